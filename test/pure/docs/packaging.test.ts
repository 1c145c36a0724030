import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { expect, test } from 'vitest';
import { provisionSteps } from '../../../src/workflows/provision/operation.js';

const unit = fs.readFileSync('packaging/creel-worker.service', 'utf8');
const environment = fs.readFileSync('packaging/worker.env', 'utf8');
const dockerfile = fs.readFileSync('packaging/Dockerfile', 'utf8');
const readme = fs.readFileSync('README.md', 'utf8');

/** Every setting of a unit as `Section.Name`, with all of its values. */
function settingsOf(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let section = '';
  for (const line of text.split('\n').filter((each) => each !== '' && !each.startsWith('#'))) {
    const [, begun] = /^\[(\w+)\]$/.exec(line) ?? [];
    const [, name, value] = /^([A-Z]\w+)=(.*)$/.exec(line) ?? [];
    if (begun !== undefined) section = begun;
    else if (name === undefined || value === undefined) throw new Error(`no setting: ${line}`);
    else found.set(`${section}.${name}`, [...(found.get(`${section}.${name}`) ?? []), value]);
  }
  return found;
}

const settings = settingsOf(unit);
const [exec = ''] = settings.get('Service.ExecStart') ?? [];

/** What keeps a worker that was taken over from the rest of its machine. `systemd-analyze security` counts these. */
const fences = `
  NoNewPrivileges=yes CapabilityBoundingSet= AmbientCapabilities= ProtectSystem=strict ProtectHome=yes PrivateTmp=yes
  PrivateDevices=yes ProtectClock=yes ProtectControlGroups=yes ProtectHostname=yes ProtectKernelLogs=yes
  ProtectKernelModules=yes ProtectKernelTunables=yes ProtectProc=invisible RestrictNamespaces=yes RestrictRealtime=yes
  RestrictSUIDSGID=yes RemoveIPC=yes LockPersonality=yes SystemCallArchitectures=native UMask=0077 User=creel`;

test('the unit says each thing once, keeps its fences, and where systemd is, that finds no fault in it', () => {
  for (const [name, values] of settings) expect(values, name).toHaveLength(1);
  const sections = [...settings.keys()].map((name) => name.split('.')[0]);
  expect([...new Set(sections)]).toEqual(['Unit', 'Service', 'Install']);
  expect(exec).toBe('/usr/bin/env creel worker');
  const said = [...settings].map(([name, [value = '']]) => `${name.replace('Service.', '')}=${value}`);
  expect(said).toEqual(expect.arrayContaining(fences.trim().split(/\s+/)));
  expect(settings.get('Service.RestrictAddressFamilies')).toEqual(['AF_UNIX AF_INET AF_INET6']);
  expect(settings.get('Service.SystemCallFilter')).toEqual(['@system-service']);
  if (!fs.existsSync('/usr/bin/systemd-analyze')) {
    process.stderr.write('systemd-analyze is not on this machine: what systemd says of the unit was not proved\n');
    return;
  }
  execFileSync('systemd-analyze', ['verify', '--man=no', 'packaging/creel-worker.service'], { stdio: 'pipe' });
  const security = execFileSync(
    'systemd-analyze',
    ['security', '--offline=true', '--threshold=25', '--no-pager', 'packaging/creel-worker.service'],
    { encoding: 'utf8' },
  );
  expect(security).toMatch(/Overall exposure level for creel-worker\.service: [012]\.\d OK/);
});

test('the unit leaves a worker alone that has said what a person must mend, and gives the others time to end', () => {
  expect(settings.get('Service.RestartPreventExitStatus')).toEqual(['78']);
  expect(fs.readFileSync('src/worker.ts', 'utf8')).toContain('process.exitCode = 78');
  expect(settings.get('Service.Restart')).toEqual(['on-failure']);
  expect(settings.get('Service.KillMode')).toEqual(['mixed']);
  expect(settings.has('Service.MemoryDenyWriteExecute'), 'Node compiles what it runs').toBe(false);
  expect(settings.has('Service.PrivateNetwork'), 'gateways listen on the loopback of the machine').toBe(false);
});

test('the environment file has only settings that there are, and no value that must be kept secret', () => {
  const lines = environment.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const given = lines.map((line) => /^([A-Z_]+)=(.*)$/.exec(line)?.slice(1) ?? []);
  for (const [name = ''] of given) expect(readme, name).toContain(`\`${name}\``);
  expect(given.filter(([name = '']) => /SECRET|KEY/.test(name)).map(([, value]) => value)).toEqual(['', '']);
  expect(settings.get('Service.EnvironmentFile')).toEqual(['/etc/creel/worker.env']);
});

test('README and the recipe of the image name the tarball of this version, and the same commands', () => {
  const { version, files } = JSON.parse(fs.readFileSync('package.json', 'utf8'));
  expect(files).toContain('packaging');
  for (const text of [readme, dockerfile]) {
    expect(new Set(text.match(/creel-[\d.]+\.tgz/g))).toEqual(new Set([`creel-${version}.tgz`]));
    expect(text).toContain(
      `docker build --tag creel/worker:${version} --file creel/lib/node_modules/creel/packaging/Dockerfile ./creel`,
    );
  }
  expect(dockerfile).toMatch(/^ARG BASE=node:24-/m);
  expect(dockerfile).toMatch(/^USER \d{4,}:\d{4,}$/m);
});

test('the picture of the demo in README is of the steps that a provision has now, and shows no key to anything', () => {
  expect(readme).toContain('](docs/demo.svg)');
  const picture = fs.readFileSync('docs/demo.svg', 'utf8');
  const lines = [...picture.matchAll(/<text[^>]*>(.*)<\/text>/g)].map(([, line = '']) =>
    line.replaceAll(/<[^>]*>/g, ''),
  );
  const steps = lines.flatMap((line) => /^ {2}✓ ([a-z]+(?: [a-z]+)+) +[\d.]+ m?s$/.exec(line)?.[1] ?? []);
  expect(steps.filter((step) => step !== 'prove turn')).toEqual([...provisionSteps]);
  expect(steps).toEqual(expect.arrayContaining(['await readiness', 'pair operator', 'prove turn', 'read back']));
  expect(lines).toEqual(expect.arrayContaining([expect.stringMatching(/^Gateway demo is ready\.$/)]));
  expect(picture).not.toMatch(/#\w+=[^…]|\/(tmp|root|home|work)\//);
});
