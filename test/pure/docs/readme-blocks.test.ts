import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { keyFiles } from '../../../src/settings/config.js';
import { boxed } from '../../ground/boxed.js';
import { scratchDirectory } from '../../world/scratch.js';

/** README's blocks as a shell reads them, with programs in the place of those that would change this machine. */
const blocks = [...fs.readFileSync('README.md', 'utf8').matchAll(/^( *)```sh\n([^]*?)^ *```$/gm)].map(
  ([, , text]) => text ?? '',
);
const blockWith = (words: string) => blocks.find((each) => each.includes(words)) ?? '';
const { version } = JSON.parse(fs.readFileSync('package.json', 'utf8'));

let root: string;
beforeEach(() => {
  root = scratchDirectory('creel-readme-');
  fs.mkdirSync(path.join(root, 'bin'));
  fs.cpSync('packaging', path.join(root, 'global', 'creel', 'packaging'), { recursive: true });
});

/** Every call of these programs, as words; each says what it is told to say. */
function typed(block: string, says: Readonly<Record<string, string>>): string[][] {
  const calls = path.join(root, 'calls');
  for (const [name, said] of Object.entries(says)) {
    const script = `#!/bin/bash\n{ printf '%s\\n' ${name} "$@"; echo; } >> '${calls}'\necho '${said}'\n`;
    fs.writeFileSync(path.join(root, 'bin', name), script, { mode: 0o755 });
  }
  const PATH = `${path.join(root, 'bin')}:/usr/bin:/bin`;
  execFileSync('bash', ['-euo', 'pipefail', '-c', block], { cwd: root, env: { PATH }, stdio: 'pipe' });
  return fs
    .readFileSync(calls, 'utf8')
    .split('\n\n')
    .filter((each) => each !== '')
    .map((each) => each.split('\n'));
}

const after = (words: readonly string[], name: string) => words.filter((_, index) => words[index - 1] === name);

test('README’s block for a container runs the worker as test/e2e/worker-image.test.ts does', () => {
  const image = `creel/worker:${version}`;
  const calls = typed(blockWith('boxed()'), { npm: '', docker: '', stat: '998' });
  const docker = calls.filter(([name]) => name === 'docker');
  expect(calls[0]).toEqual(['npm', 'install', '--global', '--prefix', './creel', `./creel-${version}.tgz`]);
  expect(docker[0]?.slice(1)).toEqual([
    'build',
    '--tag',
    image,
    '--file',
    'creel/lib/node_modules/creel/packaging/Dockerfile',
    './creel',
  ]);
  const runs = docker.slice(1);
  expect(runs.map((words) => words.slice(words.indexOf(image)))).toEqual([[image, 'init'], [image]]);
  for (const words of runs)
    expect({
      NetworkMode: after(words, '--network')[0],
      ReadonlyRootfs: words.includes('--read-only'),
      CapDrop: after(words, '--cap-drop'),
      SecurityOpt: after(words, '--security-opt'),
      GroupAdd: after(words, '--group-add'),
      Binds: after(words, '--volume'),
    }).toEqual(boxed('998', 'creel', '/var/run/docker.sock'));
});

test('README’s block for a service makes the user, the file and the unit that the unit asks for', () => {
  const unit = fs.readFileSync('packaging/creel-worker.service', 'utf8');
  const wanted = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1];
  const block = blockWith('useradd');
  const calls = typed(block, { sudo: '', npm: path.join(root, 'global'), journalctl: '' });
  const [user, ...rest] = calls.filter(([name]) => name === 'sudo').map(([, ...words]) => words);
  expect(user?.at(-1)).toBe(wanted('User'));
  expect(after(user ?? [], '--groups')).toEqual([wanted('SupplementaryGroups')]);
  expect(after(user ?? [], '--home-dir')).toEqual([wanted('WorkingDirectory')]);
  const installed = rest.filter(([name]) => name === 'install');
  expect(installed.map((words) => words.slice(-2))).toEqual([
    ['worker.env', wanted('EnvironmentFile')],
    ['creel-worker.service', '/etc/systemd/system/'],
  ]);
  expect(after(installed[0] ?? [], '-m')).toEqual(['0600']);
  for (const words of installed) expect(fs.existsSync(path.join('packaging', words.at(-2) ?? ''))).toBe(true);
  const init = rest.find((words) => words.includes('init')) ?? [];
  expect(after(init, '-u')).toEqual([wanted('User')]);
  const environment = fs.readFileSync('packaging/worker.env', 'utf8');
  const [, kept = ''] = /^--preserve-env=(.*)$/.exec(init[0] ?? '') ?? [];
  expect(kept.split(',')).toEqual([...environment.matchAll(/^(TEMPORAL_\w+)=/gm)].map(([, name]) => name));
  const { keyFile } = keyFiles({ HOME: wanted('WorkingDirectory') });
  expect(block).toContain(`its key is ${keyFile}`);
  expect(rest.at(-1)).toEqual(['systemctl', 'enable', '--now', 'creel-worker']);
});
