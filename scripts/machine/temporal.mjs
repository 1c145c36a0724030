import { createHash } from 'node:crypto';
import { accessSync, chmodSync, constants, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheDir } from './dirs.mjs';
import { ask, run } from './run.mjs';
import { Problem } from './say.mjs';
import { inScratch } from './scratch.mjs';

const LEAST_SERVER = [1, 29, 1];
const DOWNLOADED = '1.9.1';
/**
 * SHA-256 of what the release consists of: the archive for the usual platform, and the release's own list of checksums, which says
 * the rest. What was built with `go install` is checked by Go against its public database.
 */
const SUMS = {
  'temporal_cli_1.9.1_linux_amd64.tar.gz': '09a0326a51db84d02735e53542b9ebd8c4758daf47482a9ab0abce15844e60d5',
  'checksums.txt': 'cc22cb0df0a9bab358500dce212616e8622b0649df68317d9858867d7dc69bd2',
};
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
  if (route === 'download' && (await download().catch(unlessTampered))) return cached;
  await build();
  return cached;
}

function unlessTampered(error) {
  if (error instanceof Tampered) throw error;
  return false;
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

function archiveName() {
  return `temporal_cli_${DOWNLOADED}_${process.platform}_${process.arch === 'x64' ? 'amd64' : 'arm64'}.tar.gz`;
}

function urlOf(name) {
  return `https://github.com/temporalio/cli/releases/download/v${DOWNLOADED}/${name}`;
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
    urlOf(archiveName()),
  ]);
  if (answered !== undefined) return answered === '200';
  const response = await fetch(urlOf(archiveName()), { method: 'HEAD', signal: AbortSignal.timeout(4000) }).catch(
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
    const archive = await fetchChecked(archiveName(), dir);
    await run('temporal', ['tar', '-xzf', archive, '-C', dir, 'temporal']);
    return await keep(join(dir, 'temporal'));
  });
}

/** A file of the release, which is what the release says it is. */
async function fetchChecked(name, dir) {
  const file = join(dir, name);
  await fetchTo(name, file);
  const wanted = SUMS[name] ?? sumIn(readFileSync(await fetchChecked('checksums.txt', dir), 'utf8'), name);
  const found = createHash('sha256').update(readFileSync(file)).digest('hex');
  if (found !== wanted)
    throw new Tampered(
      `${urlOf(name)} gave another file than the release has (SHA-256 ${found}, not ${wanted}): something between here and there changes downloads. Put a temporal of version ${DOWNLOADED} on PATH by hand`,
    );
  return file;
}

function sumIn(list, name) {
  const line = list.split('\n').find((each) => each.trim().endsWith(` ${name}`));
  if (!line) throw new Problem(`release ${DOWNLOADED} of the temporal program has no ${name}`);
  return line.trim().split(/\s+/)[0];
}

/** Nobody goes on as if it had only not been there. */
class Tampered extends Problem {}

async function fetchTo(name, file) {
  const url = urlOf(name);
  const limits = ['--connect-timeout', '5', '--max-time', '600'];
  const byCurl = run('temporal', ['curl', '-fsSL', ...limits, '-o', file, url]);
  if (
    await byCurl.then(
      () => true,
      () => false,
    )
  )
    return;
  const response = await fetch(url, { signal: AbortSignal.timeout(600_000) });
  if (!response.ok) throw new Problem(`${url} answered ${response.status}`);
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
