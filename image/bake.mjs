/**
 * Runs inside the image build, as root: boots the gateway once as the user it will run as, so that V8's compile cache is written, and leaves
 * nothing of that boot but the cache, which root owns and nobody can write.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PORT = 18789;
/** What is loaded just after the start belongs into the cache too. */
const SETTLING_MS = 3000;
const GATEWAY = { uid: 1000, gid: 1000 };
const cache = process.argv[2];
const scratch = '/tmp/creel-bake';

function makeScratch() {
  mkdirSync(join(scratch, '.openclaw'), { recursive: true, mode: 0o700 });
  mkdirSync(join(scratch, 'tmp'), { mode: 0o700 });
  mkdirSync(cache, { recursive: true });
  const config = {
    gateway: { mode: 'local', bind: 'loopback', auth: { mode: 'token', token: randomBytes(32).toString('hex') } },
  };
  writeFileSync(join(scratch, '.openclaw', 'openclaw.json'), JSON.stringify(config), { mode: 0o600 });
  for (const path of [
    scratch,
    join(scratch, 'tmp'),
    join(scratch, '.openclaw'),
    join(scratch, '.openclaw', 'openclaw.json'),
    cache,
  ])
    chownSync(path, GATEWAY.uid, GATEWAY.gid);
}

function bootGateway() {
  const env = {
    PATH: process.env.PATH,
    NODE_ENV: 'production',
    HOME: scratch,
    TMPDIR: join(scratch, 'tmp'),
    NODE_COMPILE_CACHE: cache,
    OPENCLAW_PACKAGED_COMPILE_CACHE_RESPAWNED: '1',
  };
  const child = spawn('node', ['openclaw.mjs', 'gateway'], {
    ...GATEWAY,
    cwd: '/app',
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const exit = new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal ?? code)));
  return { child, exit };
}

/** Releases before /startupz answer it with the Control UI's HTML and status 200, so only the body decides. */
async function isStarted() {
  const startup = await bodyOf('/startupz');
  if (startup?.status !== undefined) return startup.status === 'started';
  return (await bodyOf('/readyz'))?.ready === true;
}

async function bodyOf(path) {
  try {
    const response = await fetch(`http://127.0.0.1:${PORT}${path}`, { signal: AbortSignal.timeout(2000) });
    return JSON.parse(await response.text());
  } catch {
    return undefined;
  }
}

async function waitUntilStarted(exit) {
  let ended;
  exit.then((how) => (ended = how));
  for (let waited = 0; waited < 180_000; waited += 500) {
    if (ended !== undefined) throw new Error(`the gateway ended (${JSON.stringify(ended)}) before it had started`);
    if (await isStarted()) return;
    await sleep(500);
  }
  throw new Error('the gateway did not start within three minutes');
}

async function stop(child, exit) {
  child.kill('SIGTERM');
  const late = sleep(60_000, 'late', { ref: false });
  if ((await Promise.race([exit, late])) === 'late')
    throw new Error('the gateway did not end within a minute of SIGTERM');
}

/** Gives the tree to root without write permission and says how many files it holds. */
function seal(path) {
  let files = 0;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) files += seal(inner);
    else {
      chownSync(inner, 0, 0);
      chmodSync(inner, 0o444);
      files += 1;
    }
  }
  chownSync(path, 0, 0);
  chmodSync(path, 0o555);
  return files;
}

makeScratch();
const { child, exit } = bootGateway();
await waitUntilStarted(exit);
await sleep(SETTLING_MS);
await stop(child, exit);
await sleep(500);
for (const entry of readdirSync('/tmp')) rmSync(join('/tmp', entry), { recursive: true, force: true });
rmSync('/usr/local/lib/creel', { recursive: true });
console.log(`compile cache: ${seal(cache)} files`);
