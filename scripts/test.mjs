/**
 * Runs every tier of the tests, or those that are named, cheapest first, and stops at the first red one. Without a name
 * each thing is proved once; `everything`, and a tier by its name, proves it in all its variations.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The oldest Node that creel promises to run on; npm has its binary, and keeps it once it was fetched. */
const oldest = '22.12.0';

const named = process.argv.slice(2).filter((name) => name !== 'everything');
const brief = process.argv.length === 2;

/** Of the sagas those that touch most of what differs between versions of Node: files, keys, clocks. */
const onOldest = ['layout-1', 'config/models', ...(brief ? [] : ['provision', 'replace', 'rotate'])].map(
  (name) => `test/sagas/${name}.test.ts`,
);

/** Their workflows are replayed from the first event at every task, as after a kill of the worker: what holds so holds of a cached one. */
const replayed = ['parked', 'pre-empted', 'provision', 'requests'].map((name) => `test/temporal/${name}.test.ts`);

/** Files that `npm test` leaves to `npm test -- everything`, beside what they call `atLength` themselves: each takes minutes, and varies what a quicker one proves. */
const atLength = [
  'contracts/door/openclaw-door-older', // openclaw-door, on the newest release
  'contracts/ssh/door-over-ssh', // openclaw-door here, and e2e/over-ssh
  'contracts/ssh/engine-over-ssh', // docker-engine here, and e2e/own-machine
  'temporal/apply-enemy', // temporal/apply
  'temporal/outages', // sagas/interrupted, and temporal/killed-worker
  'temporal/pre-empted', // sagas/interrupted, and temporal/killed-worker
  'temporal/subscription-stories', // sagas/billing, and temporal/front-door
  'e2e/answers', // turn, and upgrade
  'e2e/demo-lightsail', // demo, and own-machine
  'e2e/first-layout', // replay, and older-release
  'e2e/key-rotation', // temporal/secrets/key-rotation
  'e2e/machine-faults', // own-machine, and sagas/machine-interrupted
  'e2e/models', // turn, and sagas/config/models
  'e2e/over-ssh', // e2e/own-machine
  'e2e/push', // contracts of registries
  'e2e/release', // temporal/releases
].map((name) => `test/${name}.test.ts`);

/**
 * Real servers, engines and gateways on a machine that others use too: what is red there once is tried once more. It is
 * named in the end with its error, and more than this many are no accident.
 */
const mostShaky = 2;

/** Files that wait for a disk, a server or an engine a good part of their time: three of them keep two cores busy. */
const waiting = '--maxWorkers=3';

const tiers = [
  { name: 'pure', needs: 'nothing', usual: '15 s', paths: ['test/pure', '--no-isolate'] },
  { name: 'sagas', needs: 'nothing', usual: '3 min', paths: ['test/sagas', waiting] },
  {
    name: 'the quick ones on Node 22',
    needs: `the npm registry, once, for node@${oldest}`,
    usual: '1 min',
    paths: ['test/pure', ...onOldest, '--no-isolate', waiting],
    node: oldest,
  },
  { name: 'scripts', needs: 'nothing', usual: '10 s', paths: ['test/scripts'] },
  { name: 'replay', needs: 'nothing', usual: '20 s', paths: ['test/replay'] },
  {
    name: 'contracts',
    needs: 'the Docker engine and both gateway images',
    usual: brief ? '4 min' : '7 min',
    paths: ['test/contracts', waiting],
    real: true,
  },
  {
    name: 'temporal',
    needs: 'a Temporal dev server, and the npm registry for what is installed',
    usual: brief ? '12 min' : '16 min',
    paths: ['test/temporal', waiting, ...replayed.flatMap((path) => ['--exclude', path])],
    real: true,
  },
  {
    name: 'temporal, every workflow task replayed',
    needs: 'a Temporal dev server',
    usual: brief ? '2 min' : '3 min',
    paths: [...replayed, waiting],
    real: true,
    environment: { TEST_WORKFLOW_CACHE: '0' },
  },
  {
    name: 'e2e',
    needs: 'all of it, and a browser',
    usual: brief ? '14 min' : '30 min',
    paths: ['test/e2e', waiting],
    real: true,
  },
  { name: 'nothing left', needs: 'the Docker engine', usual: '1 s', paths: ['test/last'] },
];

const unknown = named.filter((name) => !tiers.some((tier) => tier.name === name));
if (unknown.length > 0) {
  const known = ['everything', ...tiers.map(({ name }) => name)];
  console.error(`there is no tier ${unknown.join(', ')}. Those there are: ${known.join(' · ')}`);
  process.exit(2);
}

const began = Date.now();
const reports = mkdtempSync(join(tmpdir(), 'creel-tests-'));
const total = { passed: 0, failed: 0 };
const shaky = [];
let red;
for (const tier of tiers.filter(({ name }) => named.length === 0 || named.includes(name))) {
  console.log(`\n=== ${tier.name}: needs ${tier.needs}, usually ${tier.usual}`);
  if (!passes(tier)) {
    red = tier.name;
    break;
  }
}
rmSync(reports, { recursive: true });
if (red) console.log(`\nstopped at the first red tier: ${red}`);
for (const { title, error } of shaky) console.log(`\nred once, green when it was tried again: ${title}\n${error}`);
const tooShaky = shaky.length > mostShaky;
if (tooShaky) console.log(`\n${shaky.length} tests were red once, and more than ${mostShaky} are no accident`);
console.log(`${total.passed} passed, ${total.failed} failed`);
if (brief)
  console.log('each thing was proved once; in all their variations, which takes over an hour: npm test -- everything');
process.exit(red || tooShaky ? 1 : 0);

/** Runs one tier and adds up what it counted; a tier that ran nothing is red too. */
function passes({ paths, environment, node, real }) {
  const report = join(reports, 'report.json');
  const vitest = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...(real ? ['--retry=1'] : []),
    ...(brief ? atLength.flatMap((path) => ['--exclude', path]) : []),
  ];
  const [program, ...first] = node ? nodeFromNpm(node) : [process.execPath];
  const { status } = spawnSync(program, [...first, ...vitest, ...paths], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...ownEnvironment(), TEST_RUN_BEGAN: String(began), ...(brief && { TEST_BRIEF: '1' }), ...environment },
  });
  const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0, testResults = [] } = read(report);
  shaky.push(...testResults.flatMap(({ assertionResults }) => assertionResults).flatMap(redOnce));
  total.passed += numPassedTests;
  total.failed += numFailedTests;
  if (numPendingTests > 0) console.log(`${numPendingTests} tests were skipped: none may be`);
  return status === 0 && numPassedTests > 0 && numPendingTests === 0;
}

/** Of a test that passed when it was tried again: how it is called, and why it was red. */
function redOnce({ status, fullName, failureMessages: [error] }) {
  return status === 'passed' && error ? [{ title: fullName, error }] : [];
}

/** How another version of Node is run: by the package that holds its binary for this platform. */
function nodeFromNpm(version) {
  return ['npm', 'exec', '--yes', `--package=node-${process.platform}-${process.arch}@${version}`, '--', 'node'];
}

/** The tests own their server, database, key and ports: nothing from outside decides about them. */
function ownEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(TEMPORAL|CREEL)_/.test(name)));
}

function read(report) {
  try {
    return JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return {}; // Vitest ended before it wrote one; its exit code says so.
  }
}
