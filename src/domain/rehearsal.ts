import { configFile, stateDirectory } from './gateway-config.js';

/** Where the living state is mounted, read-only, while a copy of it is tried. */
export const liveDirectory = '/live';

/**
 * What the new release says of a copy of the state, as `{"problems":[…]}`: its own check of the config and, where the release
 * has one, of the database. The database is copied by its own means, because the gateway writes meanwhile.
 */
const script = `
import { backup, DatabaseSync } from 'node:sqlite';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
const [live, copy, config, hasPreflight] = process.argv.slice(1);
const database = 'state/openclaw.sqlite';
const problems = [];
const ask = (...args) => {
  const { status, stdout, stderr } = spawnSync('node', ['/app/openclaw.mjs', ...args], { encoding: 'utf8' });
  if (status !== 0) problems.push(args.slice(0, 2).join(' ') + ': exit ' + status + ' ' + (stdout + stderr).replace(/\\s+/g, ' ').slice(0, 600));
};
fs.copyFileSync(live + '/' + config, copy + '/' + config);
ask('config', 'validate', '--json');
if (hasPreflight === 'yes' && fs.existsSync(live + '/' + database)) {
  fs.mkdirSync(copy + '/state', { recursive: true });
  const source = new DatabaseSync(live + '/' + database, { readOnly: true });
  await backup(source, copy + '/' + database);
  source.close();
  ask('database', 'preflight', copy + '/' + database, '--json');
}
console.log(JSON.stringify({ problems }));
`;

/** The command that tries a release on a copy of the state. */
export function rehearsalCommand(hasPreflight: boolean): string[] {
  const told = [liveDirectory, stateDirectory, configFile, hasPreflight ? 'yes' : 'no'];
  return ['node', '--input-type=module', '-e', script, ...told];
}
