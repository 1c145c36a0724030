import { accessSync, chmodSync, constants, renameSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheDir } from './dirs.mjs';
import { ask, run } from './run.mjs';
import { Problem } from './say.mjs';
import { inScratch } from './scratch.mjs';

const LEAST_SERVER = [1, 29, 1];
const DOWNLOADED = 'v1.9.1';
/** Later versions of the command line cannot be had by `go install`: their go.mod has a replace line. */
const BUILT = 'v1.5.1';
const cached = join(cacheDir, 'bin', 'temporal');

/** The first `temporal` on PATH or in the cache whose server is new enough, found by running it. */
export async function findTemporal() {
  const onPath = (process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, 'temporal'));
  for (const path of [...onPath, cached]) if (isExecutable(path) && (await fits(path))) return path;
  return undefined;
}

/** How a missing binary can be had here: 'download', 'build', or undefined. */
export async function temporalRoute() {
  const [reached, module] = await Promise.all([canDownload(), goKnowsModule()]);
  if (reached) return 'download';
  return module ? 'build' : undefined;
}

/** Puts a fitting binary into the cache and answers its path. */
export async function provideTemporal(route) {
  if (route === 'download' && (await download().catch(() => false))) return cached;
  await build();
  return cached;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function fits(path) {
  const server = /Server (\d+)\.(\d+)\.(\d+)/.exec((await ask([path, '--version'])) ?? '');
  if (!server) return false;
  const parts = server.slice(1).map(Number);
  const differs = parts.findIndex((value, index) => value !== LEAST_SERVER[index]);
  return differs === -1 || parts[differs] > LEAST_SERVER[differs];
}

function archiveUrl() {
  const arch = process.arch === 'x64' ? 'amd64' : 'arm64';
  return `https://temporal.download/cli/archive/${DOWNLOADED}?platform=${process.platform}&arch=${arch}`;
}

/** curl where there is one, because it knows the machine's proxy and certificates; else our own fetch, which does not. */
async function canDownload() {
  const answered = await ask([
    'curl',
    '-fsSLI',
    '--connect-timeout',
    '4',
    '--max-time',
    '6',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code}',
    archiveUrl(),
  ]);
  if (answered !== undefined) return answered === '200';
  const response = await fetch(archiveUrl(), { method: 'HEAD', signal: AbortSignal.timeout(4000) }).catch(
    () => undefined,
  );
  return response?.ok === true;
}

async function goKnowsModule() {
  const env = { GOFLAGS: '-mod=mod' };
  return (
    (await ask(['go', 'list', '-m', `github.com/temporalio/cli@${BUILT}`], { timeoutMs: 20_000, cwd: '/', env })) !==
    undefined
  );
}

function download() {
  return inScratch('bin', 'download', async (dir) => {
    const archive = join(dir, 'temporal.tar.gz');
    await fetchTo(archive);
    await run('temporal', ['tar', '-xzf', archive, '-C', dir, 'temporal']);
    return await keep(join(dir, 'temporal'));
  });
}

async function fetchTo(file) {
  const byCurl = run('temporal', [
    'curl',
    '-fsSL',
    '--connect-timeout',
    '5',
    '--max-time',
    '600',
    '-o',
    file,
    archiveUrl(),
  ]);
  if (
    await byCurl.then(
      () => true,
      () => false,
    )
  )
    return;
  const response = await fetch(archiveUrl(), { signal: AbortSignal.timeout(600_000) });
  if (!response.ok) throw new Problem(`${archiveUrl()} answered ${response.status}`);
  writeFileSync(file, Buffer.from(await response.arrayBuffer()));
}

function build() {
  return inScratch('bin', 'build', async (dir) => {
    await run('temporal', ['go', 'install', `github.com/temporalio/cli/cmd/temporal@${BUILT}`], {
      cwd: '/',
      env: { GOBIN: dir },
    });
    if (!(await keep(join(dir, 'temporal'))))
      throw new Problem('the temporal binary that was built does not answer to --version');
  });
}

async function keep(binary) {
  chmodSync(binary, 0o755);
  if (!(await fits(binary))) return false;
  renameSync(binary, cached);
  return true;
}
