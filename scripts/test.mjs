/** Runs every tier of the tests, cheapest first, and stops at the first red one. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The Node beside the one that runs this; npm has its binary, and keeps it once it was fetched. */
const node24 = '24.9.0';

/** Their workflows are replayed from the first event at every task, as after a kill of the worker: what holds so holds of a cached one. */
const replayed = ['parked', 'pre-empted', 'provision', 'requests'].map((name) => `test/temporal/${name}.test.ts`);

const tiers = [
  { name: 'pure', needs: 'nothing', usual: '15 s', paths: ['test/pure', '--no-isolate'] },
  { name: 'sagas', needs: 'nothing', usual: '3 min', paths: ['test/sagas'] },
  {
    name: 'the quick ones on Node 24',
    needs: `the npm registry, once, for node@${node24}`,
    usual: '1 min',
    paths: ['test/pure', 'test/sagas', '--no-isolate', '--exclude', 'test/sagas/{mutants,interrupted}.test.ts'],
    node: node24,
  },
  { name: 'scripts', needs: 'nothing', usual: '10 s', paths: ['test/scripts'] },
  { name: 'replay', needs: 'nothing', usual: '20 s', paths: ['test/replay'] },
  { name: 'contracts', needs: 'the Docker engine and both gateway images', usual: '2 min', paths: ['test/contracts'] },
  {
    name: 'temporal',
    needs: 'a Temporal dev server',
    usual: '9 min',
    paths: ['test/temporal', ...replayed.flatMap((path) => ['--exclude', path])],
  },
  {
    name: 'temporal, every workflow task replayed',
    needs: 'a Temporal dev server',
    usual: '4 min',
    paths: replayed,
    environment: { TEST_WORKFLOW_CACHE: '0' },
  },
  { name: 'e2e', needs: 'all of it, and a browser', usual: '18 min', paths: ['test/e2e'] },
  { name: 'nothing left', needs: 'the Docker engine', usual: '1 s', paths: ['test/last'] },
];

const began = Date.now();
const reports = mkdtempSync(join(tmpdir(), 'creel-tests-'));
const total = { passed: 0, failed: 0 };
let red;
for (const tier of tiers) {
  console.log(`\n=== ${tier.name}: needs ${tier.needs}, usually ${tier.usual}`);
  if (!passes(tier)) {
    red = tier.name;
    break;
  }
}
rmSync(reports, { recursive: true });
if (red) console.log(`\nstopped at the first red tier: ${red}`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(red ? 1 : 0);

/** Runs one tier and adds up what it counted; a tier that ran nothing is red too. */
function passes({ paths, environment, node }) {
  const report = join(reports, 'report.json');
  const vitest = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ];
  const [program, ...first] = node ? nodeFromNpm(node) : [process.execPath];
  const { status } = spawnSync(program, [...first, ...vitest, ...paths], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...ownEnvironment(), TEST_RUN_BEGAN: String(began), ...environment },
  });
  const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0 } = read(report);
  total.passed += numPassedTests;
  total.failed += numFailedTests;
  if (numPendingTests > 0) console.log(`${numPendingTests} tests were skipped: none may be`);
  return status === 0 && numPassedTests > 0 && numPendingTests === 0;
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
