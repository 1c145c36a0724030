import { host } from './host.js';
import { livedIn } from './lived-in.js';
import { many } from './many.js';
import { provision } from './provision.js';
import { recovery } from './recovery.js';
import { printResult, type Result } from './result.js';
import { rotate } from './rotate.js';
import { sweepMany } from './sweep.js';
import { turn } from './turn.js';
import { upgrade } from './upgrade.js';
import { wholeFleet } from './whole-fleet.js';

/** `npm run bench -- NAME [RUNS]`: measures side by side in one run, prints a table and the same as one line of JSON. */
const benches: Record<string, (runs: number | undefined) => Promise<Result>> = {
  provision,
  rotate,
  upgrade,
  turn,
  'lived-in': livedIn,
  recovery,
  many,
  fleet: wholeFleet,
  sweep: sweepMany,
  host,
};

const [name = '', runs] = process.argv.slice(2);
const bench = benches[name];
if (!bench) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(benches).join(' | ')} [RUNS]\n`);
  process.exit(2);
}
printResult(await bench(runs === undefined ? undefined : Number(runs)));
process.exit(0);
