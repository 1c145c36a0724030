import { randomBytes } from 'node:crypto';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configFile, stateDirectory } from '../../src/domain/gateway/config.js';
import { names, type Names } from '../../src/domain/gateway/gateway.js';
import { replacementNames } from '../../src/domain/changes/replacement.js';
import { gatewayToken, masterKey } from '../../src/domain/keys/token.js';
import { defaultLimits } from '../../src/wire/limits.js';
import type { Description } from '../../src/wire/description.js';
import { atLength } from '../ground/at-length.js';
import { foundImage, foundSocket } from '../ground/found.js';
import { TestServer } from '../ground/server.js';
import { Stage } from '../ground/stage.js';
import { testSpec } from '../world/open-test-world.js';
import { connectCustomer, CustomerDevice, type Answer } from './outside/gateway-client.js';
import { Owner, type Traces } from '../ground/lived-in.js';
import { RealGround, testKey } from '../ground/real-ground.js';

const long = atLength(it);

const older = '2026.6.11';
const newer = '2026.9.6';
const spec = { ...testSpec, cpus: 2, release: older };
const place = { provider: 'local', host: 'local' } as const;
const workspace = `${stateDirectory}/workspace`;
const tag = `creel-upgrade-test-${randomBytes(3).toString('hex')}`;
const upgradeMs = 480_000;

/** What each release does instead of, or before, running the gateway of the prepared image. Its other commands are as they were. */
const releases: Readonly<Record<string, string>> = {
  '2026.9.7': `echo x > ${stateDirectory}/junk; rm -rf ${workspace}; exit 1`,
  '2026.9.8': ':', // healthy, and another version than it is called
  '2026.9.9': `trap '' TERM; while :; do sleep 1; done`, // and hangs when it is stopped
  [newer]: `trap '' TERM; node-real "$@" & wait $!; exit $?`, // which is what a hanging stop is proved with
};

let ground: RealGround;
let stage: Stage;
let own: Names;
let port: number;
let token: string;
let owner: Owner;
let lived: Traces;
let before: { readonly files: string; readonly config: { gateway: { auth: { token: string } } } };
const device = new CustomerDevice();
const letIn = (version: string) => ({ ok: true, version, scopes: ['operator.read', 'operator.write'] });

beforeAll(async () => {
  for (const [release, instead] of Object.entries(releases)) await buildImage(release, instead);
  process.env['TEST_RELEASES'] = JSON.stringify(
    Object.fromEntries(Object.keys(releases).map((release) => [release, `${tag}:${release}`])),
  );
  ground = new RealGround(await TestServer.start());
  stage = new Stage(ground, defaultLimits);
  await ground.startWorker();
  await stage.provision({ spec });
  const { life, record } = await settled();
  if (!life || !record) throw new Error('a ready gateway has no record');
  own = names(life.mark);
  port = record.port;
  token = gatewayToken(masterKey(testKey), life.mark, life.tokenGeneration).reveal();
  owner = new Owner(own.container, port);
  lived = await owner.moveIn(older, token);
  expect(lived.phone).toEqual(['node', 'operator']);
  await pairOwnClient();
  await inside(
    'sh',
    '-c',
    `mkdir -p ${workspace}/deep && cd ${workspace} && echo kept > deep/a.txt && chmod 640 deep/a.txt`,
  );
  await inside(
    'sh',
    '-c',
    `cd ${workspace} && ln -s deep/a.txt link && touch -d 2020-01-02 deep/a.txt && chmod 750 deep`,
  );
  before = { files: await filesOf(), config: await configOf() };
}, 300_000);

afterAll(async () => {
  await stage?.close();
  await ground?.close();
  await ground?.server.stop();
  delete process.env['TEST_RELEASES'];
  for (const release of Object.keys(releases))
    await execa('docker', ['rmi', '-f', `${tag}:${release}`], { reject: false });
}, 120_000);

async function buildImage(release: string, instead: string): Promise<void> {
  const script = `#!/bin/sh
if [ "$1 $2" = "openclaw.mjs gateway" ]; then ${instead}; fi
exec node-real "$@"
`;
  const dockerfile = `FROM ${foundImage(newer)}
LABEL creel.release=${release}
USER root
RUN cd /usr/local/bin && mv node node-real && echo ${Buffer.from(script).toString('base64')} | base64 -d > node && chmod 755 node
USER node
`;
  await execa('docker', ['build', '-q', '-t', `${tag}:${release}`, '-'], { input: dockerfile });
}

/** Waits until everything has ended well, and answers what is on record. */
async function settled(limitMs = upgradeMs): Promise<Description> {
  const found = await stage.settled(limitMs);
  expect(found).toMatchObject({ phase: 'ready', skipped: [], left: [] });
  return found;
}

/** The same of a change that must be done: one that went back says why. */
async function done(): Promise<Description> {
  const found = await settled();
  expect(found.last).toMatchObject({ outcome: 'done', reason: '' });
  return found;
}

async function upgrade(release: string, readyMs = 150_000) {
  const requestId = randomBytes(4).toString('hex');
  await stage.request({
    kind: 'upgrade',
    requestId,
    origin: 'test',
    place,
    release,
    dev: true,
    retryFailed: false,
    readyMs,
  });
}

async function pairOwnClient(): Promise<void> {
  const refused = await knock();
  await owner.approve(refused.ok ? '' : (refused.requestId ?? ''), token);
  expect(await knock()).toMatchObject(letIn(older));
}

/** The customer's own device knocks with the gateway token. */
async function knock(): Promise<Answer> {
  const { client, answer } = await connectCustomer(port, token, device);
  await client.close();
  return answer;
}

async function inside(...command: string[]): Promise<string> {
  const { stdout } = await execa('docker', ['exec', own.container, ...command]);
  return stdout;
}

/** What a release lays into a workspace by itself, at a time of its own. */
const ofRelease = [`${workspace}/[A-Z]*.md`, `${workspace}/openclaw-workspace-state.json*`];

/** What the customer keeps in the workspace: names, modes, owners, times, targets, content. */
async function filesOf(): Promise<string> {
  const owned = [workspace, '-mindepth', '1', ...ofRelease.flatMap((path) => ['!', '-path', path])];
  const listed = await inside('find', ...owned, '-printf', '%p %m %u %g %T@ %s %l\n');
  const sums = await inside('find', ...owned, '-type', 'f', '-exec', 'sha256sum', '{}', '+');
  return [...listed.split('\n').toSorted(), ...sums.split('\n').toSorted()].join('\n');
}

async function configOf() {
  return JSON.parse(await inside('cat', `${stateDirectory}/${configFile}`));
}

/** A script that leaves a key in a config that no release knows, as somebody's own tool would. */
function noteIn(file: string): string {
  return `const fs=require('fs');const c=JSON.parse(fs.readFileSync('${file}'));fs.writeFileSync('${file}',JSON.stringify({...c,customerNotes:{from:'a shell tool'}}))`;
}

/** The one command that a reason tells. */
function commandIn(reason = ''): string {
  const [[, command = ''] = [], ...more] = reason.matchAll(/`(docker [^`]*)`/g);
  expect(more).toEqual([]);
  return command;
}

/** What its owner saved, filed away and paired is there, whatever release serves. */
async function isLivedIn(): Promise<void> {
  expect(await owner.traces(token)).toEqual(lived);
}

/** The old one serves our own client with the same token and pairing, on its own state; nothing of the attempt is left. */
async function servesAsBefore(birth: string): Promise<void> {
  expect(await knock()).toMatchObject(letIn(older));
  expect(await filesOf()).toBe(before.files);
  expect(await configOf()).toEqual(before.config);
  await isLivedIn();
  expect(await inside('ls', stateDirectory)).not.toContain('junk');
  expect(await ground.leftovers()).toEqual(stage.expected(birth));
  const policy = await execa('docker', ['inspect', '-f', '{{.HostConfig.RestartPolicy.Name}}', own.container]);
  expect(policy.stdout).toBe('always');
}

describe('on the real gateway, an upgrade', () => {
  it.each([
    ['that crashes is seen in seconds and goes back', '2026.9.7', /^rehearse replacement: .*exit 1/s, 60_000],
    [
      'to a healthy one of the wrong version goes back',
      '2026.9.8',
      /runs 2026\.9\.6, asked for was 2026\.9\.8/,
      60_000,
    ],
    ['to one that never gets ready goes back', '2026.9.9', /^rehearse replacement: .*given up/s, 10_000],
  ])(
    '%s: same token, same devices, same state',
    async (_title, release, reason, readyMs) => {
      const began = Date.now();
      await upgrade(release, readyMs);
      const found = await settled();
      expect(found.last).toMatchObject({ kind: 'upgrade', outcome: 'undone', reason: expect.stringMatching(reason) });
      expect(found.life?.spec.release).toBe(older);
      await servesAsBefore(found.life?.mark.birth ?? '');
      process.stderr.write(`${release} went back within ${Math.round((Date.now() - began) / 1000)} s\n`);
    },
    upgradeMs,
  );

  it(
    'is refused with the key that it does not know, while the old one serves, and the command in the message takes it out',
    async () => {
      const started = (await ground.engine.findContainer(own.container))?.startedAt;
      const file = `${stateDirectory}/${configFile}`;
      await inside('node', '-e', noteIn(file));
      await upgrade(newer);
      const { last } = await settled();
      expect(last).toMatchObject({
        outcome: 'undone',
        reason: expect.stringMatching(/^rehearse replacement: .*exit 78.*Its config has .*customerNotes/s),
      });
      expect((await ground.engine.findContainer(own.container))?.startedAt).toBe(started);
      const command = commandIn(last?.reason);
      expect(command).toMatch(new RegExp(`^docker exec ${own.container} node -e '.*customerNotes.*'$`));
      await execa('bash', ['-c', command], { env: { DOCKER_HOST: `unix://${foundSocket()}` } });
      expect(await configOf()).not.toHaveProperty('customerNotes');
      expect(await knock()).toMatchObject(letIn(older));
      before = { ...before, config: await configOf() };
    },
    upgradeMs,
  );

  it(
    `${older} → ${newer} keeps token, devices, config and what onboarding and its owner left`,
    async () => {
      await upgrade(newer);
      const found = await done();
      expect(found).toMatchObject({ life: { spec: { release: newer } }, former: { release: older } });
      expect(await knock()).toMatchObject(letIn(newer));
      expect(await filesOf()).toBe(before.files);
      expect(await configOf()).toMatchObject({
        gateway: { mode: 'local', bind: 'lan', auth: before.config.gateway.auth },
        ui: { seamColor: '#445566' },
        agents: { entries: { main: {}, helper: {} } },
      });
      await isLivedIn();
      const birth = found.life?.mark.birth ?? '';
      const { a } = replacementNames({ gateway: stage.id, birth }).savedStates;
      expect(await ground.leftovers()).toEqual([...stage.expected(birth), `volume ${a}`].toSorted());
    },
    upgradeMs,
  );

  it(
    'back to an older release is refused, with the way that there is',
    async () => {
      const way = expect.stringMatching(/is older than 2026\.9\.6.*creel rollback/s);
      await expect(upgrade(older)).rejects.toMatchObject({ cause: { message: way } });
      expect(await knock()).toMatchObject(letIn(newer));
    },
    upgradeMs,
  );

  long(
    'is rolled back, from a release that hangs when it is stopped, to the state it had',
    async () => {
      await inside('sh', '-c', `echo since > ${workspace}/since.txt`);
      await stage.request({ kind: 'rollback', requestId: 'back', origin: 'test', place, readyMs: 150_000 });
      const found = await done();
      expect(found).toMatchObject({ life: { spec: { release: older } }, former: { release: newer } });
      expect(await knock()).toMatchObject(letIn(older));
      expect(await filesOf()).toBe(before.files);
      await isLivedIn();
    },
    upgradeMs,
  );

  long(
    'is rolled back once more when its gateway dies on its state, again and again',
    async () => {
      const database = `${stateDirectory}/state/openclaw.sqlite`;
      await inside('sh', '-c', `echo broken > ${database}; rm -f ${database}-*`);
      await execa('docker', ['kill', own.container]);
      await execa('docker', ['start', own.container]);
      const deaths = async () => (await ground.engine.findContainer(own.container))?.restartCount;
      await expect.poll(deaths, { timeout: 60_000, interval: 500 }).toBeGreaterThan(0);
      await stage.request({ kind: 'rollback', requestId: 'forth', origin: 'test', place, readyMs: 150_000 });
      const found = await done();
      expect(found).toMatchObject({ life: { spec: { release: newer } }, former: { release: older } });
      expect(await knock()).toMatchObject(letIn(newer));
      expect(await inside('cat', `${workspace}/since.txt`)).toBe('since');
      await isLivedIn();
    },
    upgradeMs,
  );
});
