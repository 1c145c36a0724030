import { stateDirectory } from '../gateway/config.js';
import { rehearsalReadyMs } from '../thresholds.js';

/** Where the state to copy is mounted, read-only. */
export const liveDirectory = '/live';

/**
 * Names the rehearsal on everything made for it, so that no other continues it; on the container that starts, marks it
 * as such.
 */
export const rehearsalLabel = 'creel.rehearsal';
export const trialLabel = 'creel.trial';

/**
 * `start` copies all that a start reads. `check` copies only the config and the databases, for the release to convert
 * and check.
 */
export type RehearsalDepth = 'start' | 'check';

/** What to copy: a volume's root, to which a gateway writes meanwhile, or a directory to which nobody does. */
export type RehearsalSource = { readonly volume: string; readonly directory: string };

/**
 * Makes the copy and prints, as `{"problems":[…]}`, what the release objects to before anything starts. What a start
 * makes anew stays out. Databases are copied by their own means, because a gateway writes to them meanwhile; a file
 * that vanishes during the copy does not belong to the state. `doctor` may change what it likes, as only the copy is
 * affected.
 */
const script = `
import { backup, DatabaseSync } from 'node:sqlite';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
const [live, copy, depth, hasPreflight] = process.argv.slice(1);
const problems = [];
const run = (command, ...args) => spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 27 });
const ask = (...args) => {
  const { status, stdout, stderr } = run('node', '/app/openclaw.mjs', ...args);
  if (status !== 0) problems.push(args.slice(0, 2).join(' ') + ': exit ' + status + ' ' + (stdout + stderr).replace(/\\s+/g, ' ').slice(0, 600));
};
for (const each of fs.readdirSync(copy)) fs.rmSync(path.join(copy, each), { recursive: true, force: true });
const left = ['cache', 'tmp', 'logs', 'plugin-skills', ...(depth === 'check' ? ['workspace', 'media'] : [])];
const without = [...left.map((name) => './' + name), '*.sqlite', '*.sqlite-wal', '*.sqlite-shm'].map((name) => '--exclude=' + name);
const pipe = 'from=$1; to=$2; shift 2; tar -C "$from" "$@" -cf - . | tar -C "$to" --no-same-owner -xpf -';
const copied = run('sh', '-c', pipe, 'sh', live, copy, ...without);
if (copied.status !== 0) {
  process.stderr.write(copied.stderr);
  process.exit(1);
}
const pruned = ['cache', 'tmp', 'workspace', 'media'].flatMap((name) => ['-path', live + '/' + name, '-prune', '-o']);
const databases = run('find', live, ...pruned, '-type', 'f', '-name', '*.sqlite', '-print').stdout.split('\\n').filter(Boolean);
for (const database of databases) {
  const to = path.join(copy, path.relative(live, database));
  fs.mkdirSync(path.dirname(to), { recursive: true });
  try {
    const source = new DatabaseSync(database, { readOnly: true });
    await backup(source, to);
    source.close();
  } catch {
    fs.rmSync(to, { force: true });
    for (const end of ['', '-wal']) if (fs.existsSync(database + end)) fs.copyFileSync(database + end, to + end);
  }
}
const database = path.join(copy, 'state/openclaw.sqlite');
if (hasPreflight === 'yes' && fs.existsSync(database)) ask('database', 'preflight', database, '--json');
if (depth === 'check' && problems.length === 0) {
  run('node', '/app/openclaw.mjs', 'doctor', '--fix', '--non-interactive');
  ask('config', 'validate', '--json');
}
console.log(JSON.stringify({ problems }));
`;

/** The command that copies a state for a release, and asks the release what it objects to. */
export function rehearsalCommand(source: RehearsalSource, depth: RehearsalDepth, hasPreflight: boolean): string[] {
  const told = [source.directory, stateDirectory, depth, hasPreflight ? 'yes' : 'no'];
  return ['node', '--input-type=module', '-e', script, ...told];
}

/** How long the start of a trial may take, given the time of the start that it rehearses. */
export function trialMs(readyMs: number): number {
  return Math.min(2 * readyMs, rehearsalReadyMs);
}

/**
 * The keys of its config, as dotted paths, for which a gateway says it refuses to start. Beside a key that no release
 * knows, which stands at the root, it also names keys of older releases, which it converts once the unknown one is
 * gone: those are left.
 */
export function refusedKeys(log: string): string[] {
  const found = [...log.matchAll(/(?:— )?(<root>|[\w.[\]-]+): Unrecognized keys?: ((?:"[^"]+"(?:, )?)+)/g)];
  const atRoot = found.filter(([, at]) => at === '<root>');
  const keys = (atRoot.length > 0 ? atRoot : found).flatMap(([, at = '', named = '']) =>
    [...named.matchAll(/"([^"]+)"/g)].map(([, key = '']) => (at === '<root>' ? key : `${at}.${key}`)),
  );
  return [...new Set(keys)];
}

/**
 * The end of a `docker exec` or `docker run` command line that removes keys from a config. It is not `openclaw config
 * unset`, which every release refuses while its config has a key it does not know. Undefined when a name is not safe in
 * a shell: it comes from a stranger.
 */
export function takingOut(file: string, keys: readonly string[]): string | undefined {
  if (keys.some((key) => !/^[\w.[\]-]+$/.test(key))) return undefined;
  const parts = keys.map((key) => key.split(/[.[\]]+/).filter((part) => part !== ''));
  const deleting = parts.map((path) => `delete c${path.map((part) => `["${part}"]`).join('')}`).join(';');
  return `node -e 'const fs=require("fs"),f="${file}",c=JSON.parse(fs.readFileSync(f));${deleting};fs.writeFileSync(f,JSON.stringify(c,null,2))'`;
}

/** Whether an ended gateway says that its config is the reason: an older release then ends as after any crash. */
export function saysConfigRefused(log: string): boolean {
  return /Invalid config at |existing config is missing gateway\.mode/.test(log);
}
