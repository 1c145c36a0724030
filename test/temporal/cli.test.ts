import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findTarget } from '../../src/client/connect.js';
import type { Gateway } from '../../src/domain/gateway/gateway.js';
import { gatewayToken } from '../../src/domain/keys/token.js';
import { historyTexts, holds } from '../ground/hunt.js';
import { DirectoryAudit } from '../world/directory-audit.js';
import { deploymentWorkflowId, gatewayWorkflowId, operationPrefix, taskQueue } from '../../src/wire/ids.js';
import { handedOverSignal } from '../../src/wire/messages.js';
import { DirectoryDevice } from '../world/directory-device.js';
import { openTestWorld, testDeployment, testRelease, type TestWorld } from '../world/open-test-world.js';
import { Interferences } from '../ground/interference.js';
import { TestServer } from '../ground/server.js';

/** `bin/creel.mjs` as a person runs it, against a server, a directory world and a worker of the test's own. */
let server: TestServer;
let world: TestWorld;
let worker: ChildProcess | undefined;
let client: Client;
let interferences: Interferences;

const spec = ['--release', testRelease, '--dev'];

beforeAll(async () => {
  server = await TestServer.start();
  world = openTestWorld();
  interferences = new Interferences(world.root);
  client = new Client({ connection: await Connection.connect({ address: server.address }) });
});

afterAll(async () => {
  await killWorker();
  await client.connection.close();
  await server.stop();
  world.close();
});

function environment(): Record<string, string> {
  const home = path.join(world.root, 'home');
  return { PATH: process.env['PATH'] ?? '', HOME: home, TEMPORAL_ADDRESS: server.address };
}

function creel(...args: string[]) {
  return execa(process.execPath, ['bin/creel.mjs', ...args], {
    env: environment(),
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
  });
}

async function init(): Promise<void> {
  const memo = { deployment: testDeployment, layout: 1, keyId: world.deps.keys.idOf({}), keyCheck: 'test' };
  await client.workflow.start('deployment', { workflowId: deploymentWorkflowId, taskQueue, memo });
}

async function startWorker(): Promise<void> {
  const main = path.resolve('dist/test/ground/directory-worker-main.js');
  const args = [main, server.address, taskQueue, world.root, '300', 'everything', testDeployment];
  worker = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (worker.stdout) await once(worker.stdout, 'data');
}

async function killWorker(): Promise<void> {
  if (!worker || worker.exitCode !== null || worker.signalCode !== null) return;
  worker.kill('SIGKILL');
  await once(worker, 'exit');
}

/** What is on the engine of one gateway. */
function leftovers(id: string): string[] {
  return world.engine.leftovers().filter((each) => each.includes(` oc-${id}-`));
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('not within two minutes');
    await sleep(100);
  }
}

describe('without a deployment', () => {
  it('a provision is refused, naming creel init, and nothing is started', async () => {
    const { exitCode, stderr } = await creel('provision', 'g1', ...spec);
    expect(stderr).toContain('creel init');
    expect(exitCode).toBe(3);
    expect((await client.workflow.count("WorkflowType = 'gateway'")).count).toBe(0);
  });
});

describe('without a worker', () => {
  beforeAll(init);

  it('an engine that no worker ever served is refused, before it is on any record', async () => {
    for (const asked of [
      ['remove', 'g1'],
      ['provision', 'g1', ...spec],
    ]) {
      const { exitCode, stderr } = await creel(...asked, '--engine', 'engine-mistyped');
      expect(stderr).toMatch(/no worker ever served engine engine-mistyped\. Those there are: none/);
      expect(exitCode).toBe(3);
    }
    expect((await client.workflow.count("WorkflowType = 'gateway'")).count).toBe(0);
  });

  it('says so, keeps the request of a new gateway, and shows what is on record', async () => {
    const asked = await creel('provision', 'lone', ...spec, '--request-id', 'r1');
    expect(asked.stderr).toContain('no worker answered');
    expect(asked.stderr).toContain('--request-id r1');
    expect(asked.exitCode).toBe(7);
    const described = await creel('describe', 'lone');
    expect(described.stdout).toContain('on record: queued');
    expect(described.exitCode).toBe(7);
    await startWorker();
    const again = await creel('provision', 'lone', ...spec, '--request-id', 'r1');
    expect(again.exitCode).toBe(0);
    expect(again.stdout).toContain('operation 1');
    expect(leftovers('lone')).toHaveLength(3);
  });
});

describe.concurrent('with a worker', () => {
  it('a gateway is provisioned, listed, proved, opened, removed, restored and purged', async () => {
    const made = await creel('provision', 'whole', ...spec);
    expect(made.exitCode).toBe(0);
    expect(made.stdout).toMatch(/✓ await readiness/);
    expect(made.stdout).toContain('next: creel open whole');
    const listed = await creel('list');
    expect(listed.stdout).toMatch(/whole\s+ready \(proved .*\)/);
    for (const phase of ['upgrading', 'changing']) expect((await creel('list', '--phase', phase)).exitCode).toBe(0);
    const described = await creel('describe', 'whole', '--json');
    expect(JSON.parse(described.stdout)).toMatchObject({ phase: 'ready', usable: { ok: true } });
    expect(described.stdout).not.toContain('recordedOnly');
    const recorded = await creel('describe', 'whole', '--no-probe', '--json');
    expect(JSON.parse(recorded.stdout)).toMatchObject({ phase: 'ready', recordedOnly: true });
    const row = (await creel('list', '--json')).stdout.split('\n').find((line) => line.includes('"whole"'));
    expect(JSON.parse(row ?? '')).toMatchObject({ phase: 'ready', recordedOnly: true });
    const removed = await creel('remove', 'whole');
    expect(removed.stdout).toContain('its state is kept until');
    expect(leftovers('whole')).toEqual([expect.stringMatching(/^volume oc-whole-/)]);
    const refused = await creel('provision', 'whole', ...spec);
    expect(refused.exitCode).toBe(3);
    expect(refused.stderr).toContain('--restore');
    expect((await creel('provision', 'whole', '--restore')).exitCode).toBe(0);
    expect(leftovers('whole')).toHaveLength(3);
    const purged = await creel('remove', 'whole', '--purge', '--yes=whole');
    expect(purged).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/nothing of whole is left$/) });
    expect(leftovers('whole')).toEqual([]);
  });

  it('a gateway is upgraded, rolled back and changed; what cannot be proved or is not there says so', async () => {
    await creel('provision', 'moving', ...spec);
    const crashed = await creel('upgrade', 'moving', '--release', '2026.9.8-crashes', '--dev');
    expect(crashed.exitCode).toBe(4);
    expect(crashed.stdout).toMatch(/why: rehearse replacement: .*exit 1/s);
    const { record } = JSON.parse((await creel('describe', 'moving', '--no-probe', '--json')).stdout);
    const row = (await creel('list', '--json')).stdout.split('\n').find((line) => line.includes('"moving"'));
    const listed = JSON.parse(row ?? '');
    expect(listed).toMatchObject({ phase: 'ready', proved: record.provedAt });
    expect(Date.parse(listed.since)).toBeGreaterThan(Date.parse(listed.proved));
    expect((await creel('rollback', 'moving')).stderr).toContain('no earlier release is kept');
    const upgraded = await creel('upgrade', 'moving', '--release', '2026.9.7', '--dev', '--ready-within', '1 minute');
    expect(upgraded.exitCode).toBe(0);
    expect(upgraded.stdout).toContain('moving runs 2026.9.7');
    expect((await creel('describe', 'moving')).stdout).toContain('`creel rollback moving` goes back to it');
    expect((await creel('rollback', 'moving')).stdout).toContain(`moving runs ${testRelease}`);
    const before = (await creel('describe', 'moving', '--no-probe', '--json')).stdout;
    const would = await creel('change', 'moving', '--memory', '4 GB', '--dry-run');
    expect(would.stderr).toBe('');
    expect(would.stdout).toMatch(/new container  no[^]*silent for     0 s[^]*check limits · apply limits/);
    expect((await creel('describe', 'moving', '--no-probe', '--json')).stdout).toBe(before);
    const changed = await creel('change', 'moving', '--memory', '4 GB');
    expect(changed.exitCode).toBe(0);
    expect((await creel('describe', 'moving')).stdout).toContain('4096 MB');
    expect((await creel('change', 'moving')).exitCode).toBe(2);
    expect((await creel('change', 'moving', '--memory', '4 GB')).stderr).toContain('already');
    expect((await creel('remove', 'moving', '--purge', '--yes=moving')).exitCode).toBe(0);
    expect(leftovers('moving')).toEqual([]);
  }, 240_000);

  it('a recorded ready that is not usable is no ready', async () => {
    await creel('provision', 'broken', ...spec);
    const name =
      leftovers('broken')
        .find((each) => each.startsWith('container '))
        ?.slice('container '.length) ?? '';
    const container = await world.engine.findContainer(name);
    await world.engine.removeContainer(container?.id ?? '');
    const described = await creel('describe', 'broken');
    expect(described.stdout).toContain('NOT usable now');
    expect(described.exitCode).toBe(5);
    const recorded = await creel('describe', 'broken', '--no-probe');
    expect(recorded.stdout).toContain('recorded: ready (proved');
    const repaired = await creel('provision', 'broken');
    expect(repaired.stdout).toContain('repair broken');
    expect((await creel('describe', 'broken')).exitCode).toBe(0);
  });

  it('the link of open is printed once and stands in no history', async () => {
    await creel('provision', 'opened', ...spec);
    interferences.set('findGateway', 'opened', 'hold before');
    const opening = creel('open', 'opened');
    const [said] = await once(opening.stderr, 'data');
    expect(String(said)).toMatch(/^creel: gateway opened: proving that it is usable, then asking it for a link/);
    interferences.clear('findGateway', 'opened');
    const { stdout, stderr, exitCode } = await opening;
    expect(exitCode).toBe(0);
    const token = /bootstrapToken=([^&]+)/.exec(stdout)?.[1] ?? '';
    expect(token).not.toBe('');
    expect(stderr).toContain('Model Setup');
    let runs = 0;
    for await (const { workflowId } of client.workflow.list({ query: "GatewayId = 'opened'" })) {
      const history = historyToJSON(await client.workflow.getHandle(workflowId).fetchHistory());
      const texts = [...history.matchAll(/"data":\s*"([^"]*)"/g)].map(([, data]) =>
        Buffer.from(data ?? '', 'base64').toString(),
      );
      expect(texts.join('\n')).toContain('opened');
      expect(texts.join('\n')).not.toContain(token);
      runs += 1;
    }
    expect(runs).toBeGreaterThanOrEqual(3);
  });

  it('a rotation tells what it proved, and the token is shown to whoever asks for it, written down and in no history', async () => {
    await creel('provision', 'turned', ...spec);
    const rotated = await creel('rotate', 'turned');
    expect(rotated.stdout).toMatch(/apply token: generation 2 in force, a session on generation 1 closed \(4001\)/);
    expect(rotated.stdout).toMatch(/prove refusal: generation 1 refused/);
    expect(rotated.exitCode).toBe(0);
    expect((await creel('token', 'show', 'turned')).exitCode).toBe(2);
    const shown = await creel('token', 'show', 'turned', '--yes=turned', '--json');
    expect(shown.exitCode).toBe(0);
    const { token, generation }: { token: string; generation: number } = JSON.parse(shown.stdout);
    expect(generation).toBe(2);
    const described = await creel('describe', 'turned', '--no-probe', '--json');
    const { life }: { life: Gateway } = JSON.parse(described.stdout);
    expect(token).toBe(gatewayToken(world.deps.keys.of(life), life.mark, 2).reveal());
    const written = new DirectoryAudit(world.root).entries().filter(({ gateway }) => gateway === 'turned');
    expect(written).toMatchObject([{ generation: 2, birth: life.mark.birth, what: 'token shown', given: 2 }]);
    expect((await creel('open', 'turned')).exitCode).toBe(0);
    const opened = new DirectoryAudit(world.root).entries().filter(({ gateway }) => gateway === 'turned');
    expect(opened.at(-1)).toMatchObject({ generation: 2, what: 'link made', who: written[0]?.who });
    for (const [id, text] of await historyTexts(client)) expect(holds(text, token), id).toBe(false);
  });

  it('a removal of a gateway that never was ends like any command for an unknown one; of a removed one it is done', async () => {
    for (const more of [[], ['--purge', '--yes=never-was'], ['--json']]) {
      const unknown = await creel('remove', 'never-was', ...more);
      expect(unknown.stderr).toContain(
        'gateway never-was is unknown here: nothing of it was on record or on an engine',
      );
      expect(unknown.exitCode).toBe(3);
    }
    expect((await creel('list')).stdout).not.toContain('never-was');
    await creel('provision', 'was', ...spec, '--keep-state', '0');
    for (const time of ['first', 'again'])
      expect({ time, exit: (await creel('remove', 'was')).exitCode }).toEqual({ time, exit: 0 });
  });

  it('a rotation of a gateway that is not there, or of an eviction nobody confirmed, begins nothing', async () => {
    const unknown = await creel('rotate', 'nobody');
    expect(unknown.exitCode).toBe(3);
    expect(unknown.stderr).toContain('unknown');
    const unconfirmed = await creel('rotate', 'nobody', '--evict');
    expect(unconfirmed.exitCode).toBe(2);
    expect(unconfirmed.stderr).toContain('--yes=nobody');
  });

  it('a device is listed, paired, listed as approved by creel, turned down and cut off', async () => {
    await creel('provision', 'devices', ...spec);
    const name = /container (\S+)/.exec(leftovers('devices').join('\n'))?.[1] ?? '';
    const device = new DirectoryDevice(world.root, { displayName: 'Kitchen', platform: 'ios' });
    device.knock(name);
    const listed = await creel('devices', 'devices');
    expect(listed.stdout).toMatch(/Kitchen\s+ios\s+asks, .* operator\.read, operator\.write/);
    expect(listed.stdout).toContain(`next: creel pair devices --device ${device.id}`);
    const shown = /([0-9a-f]{8,})\s+Kitchen/.exec(listed.stdout)?.[1] ?? ''; // What the list shows is what a command takes.
    const denied = await creel('deny', 'devices', '--device', shown);
    expect(denied.exitCode).toBe(0);
    expect(denied.stderr).toContain(`creel: ${shown} is device ${device.id}`);
    const unknown = await creel('deny', 'devices', '--device', shown);
    expect(unknown.exitCode).toBe(3);
    expect(unknown.stderr).toContain(`no device of devices begins with ${shown}`);
    expect((await creel('devices', 'devices')).stdout).not.toContain('Kitchen');

    const coming = device.keepKnocking(name);
    const paired = await creel('pair', 'devices', '--name', 'kitchen', '--platform', 'iOS', '--wait', '20s');
    expect(paired.stdout).toMatch(/await device: .*Kitchen.* connected at /);
    expect(paired.stdout).toContain('next: creel devices devices');
    expect(paired.exitCode).toBe(0);
    await coming;
    expect((await creel('devices', 'devices')).stdout).toMatch(
      /Kitchen\s+ios\s+paired .* creel +(just now|\d+ \w+ ago)/,
    );
    const json = await creel('devices', 'devices', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      paired: expect.arrayContaining([expect.objectContaining({ deviceId: device.id, approvedByCreel: true })]),
    });
    expect((await creel('describe', 'devices', '--no-probe')).stdout).toContain(
      `approved    ${device.id.slice(0, 12)}`,
    );

    device.knock(name, undefined, ['operator.admin']);
    const refused = await creel('pair', 'devices', '--device', device.id);
    expect(refused.stdout).toContain('--scopes operator.admin');
    expect(refused.exitCode).toBe(4);
    expect((await creel('unpair', 'devices', '--device', device.id)).exitCode).toBe(0);
    expect((await creel('devices', 'devices')).stdout).not.toContain('Kitchen');
    const gone = await creel('unpair', 'devices', '--device', device.id);
    expect(gone.stdout).toContain('neither paired nor does it wait');
    expect(gone.exitCode).toBe(4);
  });

  it('the same request twice is one; another spec is refused', async () => {
    await creel('provision', 'twice', ...spec, '--request-id', 'one');
    const again = await creel('provision', 'twice', ...spec, '--request-id', 'one', '--json', '--detach');
    expect(JSON.parse(again.stdout)).toMatchObject({ operation: 1, kind: 'provision' });
    expect((await client.workflow.count(`WorkflowId STARTS_WITH '${operationPrefix('twice')}'`)).count).toBe(1);
    const other = await creel('provision', 'twice', ...spec, '--cpus', '4', '--json');
    expect(other.exitCode).toBe(3);
    expect(JSON.parse(other.stderr)).toMatchObject({ error: { kind: 'Refused', exit: 3 } });
    const told = /`(creel change twice [^`]*)`/.exec(JSON.parse(other.stderr).error.message)?.[1] ?? '';
    expect(told).toBe('creel change twice --cpus 4');
    expect((await creel(...told.split(' ').slice(1))).exitCode).toBe(0);
    const unsaid = await creel('provision', 'twice', ...spec);
    expect(unsaid.stdout).toMatch(/^repair twice/); // What is not said stays as it is on record.
    const repeated = await creel('provision', 'twice', ...spec, '--request-id', 'one', '--json', '--detach');
    expect(JSON.parse(repeated.stdout)).toMatchObject({ operation: 1 });
  });

  it('a parked operation ends the following with 5, and answers name the park', async () => {
    interferences.set('probeChannels', 'parked', 'fail');
    const made = await creel('provision', 'parked', ...spec, '--park-for', '1 hour');
    expect(made.exitCode).toBe(5);
    expect(made.stdout).toContain('creel skip parked --park 1.1');
    const described = await creel('describe', 'parked');
    expect(described.stdout.match(/parked \(1\.1\)/g)).toHaveLength(1);
    expect(described.stdout).toContain('park_for    1 hour');
    const unnamed = await creel('retry', 'parked');
    expect(unnamed.exitCode).toBe(2);
    expect(unnamed.stderr).toContain('parked (1.1)');
    const wrong = await creel('retry', 'parked', '--park', '1.9');
    expect(wrong.exitCode).toBe(3);
    expect((await creel('list', '--attention')).stdout).toContain('parked');
    const skipped = await creel('skip', 'parked', '--park', '1.1');
    expect(skipped.stdout).toContain('probe channels was skipped');
    expect(skipped.exitCode).toBe(5);
    interferences.set('probeRotatable', 'parked', 'hold before');
    expect((await creel('rotate', 'parked', '--detach')).exitCode).toBe(0);
    const again = await creel('skip', 'parked', '--park', '1.1');
    expect(again).toMatchObject({ exitCode: 0, stdout: 'skip: park 1.1 of parked is answered' }); // Not the end of the rotation.
    interferences.clear('probeRotatable', 'parked');
    interferences.clear('probeChannels', 'parked');
    expect((await creel('provision', 'parked', ...spec, '--park-for', '1 hour')).exitCode).toBe(0);
    expect((await creel('token', 'show', 'parked', '--yes=parked')).exitCode).toBe(0); // And nobody waits for it.
  });

  it('Ctrl-C leaves the operation running and says how to look again', async () => {
    interferences.set('probeReadiness', 'left', 'hold before');
    const following = creel('provision', 'left', ...spec);
    await interferences.held('probeReadiness', 'left');
    following.kill('SIGINT');
    const { exitCode, stderr } = await following;
    expect(exitCode).toBe(130);
    expect(stderr).toContain('creel describe left');
    interferences.clear('probeReadiness', 'left');
    await until(async () =>
      (await creel('describe', 'left', '--no-probe', '--json')).stdout.includes('"phase":"ready"'),
    );
  });

  it('a record that somebody terminated is shown with the cure, which works, and is forgotten then', async () => {
    await creel('provision', 'killed', ...spec);
    await client.workflow.getHandle(gatewayWorkflowId('killed')).terminate('by hand');
    await until(async () => (await creel('list')).stdout.includes('record terminated (was ready)'));
    const listed = (await creel('list')).stdout;
    const cure = /killed: its record was terminated at .*`creel (provision killed --birth \w+) -f gateway\.toml`/.exec(
      listed,
    );
    expect(cure).not.toBeNull();
    const described = await creel('describe', 'killed');
    expect(described.stdout).toMatch(
      /^killed: its record was terminated at [^]*what it said last:\nkilled {2}recorded: ready/,
    );
    expect(described.stdout).not.toMatch(/usable +yes/);
    expect(described.exitCode).toBe(5);
    const takenUp = await creel(...(cure?.[1] ?? '').split(' '), ...spec);
    expect(takenUp.stderr).toBe('');
    expect(takenUp.exitCode).toBe(0);
    expect((await creel('list')).stdout).not.toContain('record terminated');
    expect((await creel('describe', 'killed')).stdout).toMatch(/^killed {2}ready/);
  });

  it('--json follows with one frame a line, the last of which has ended', async () => {
    const { stdout, exitCode } = await creel('provision', 'frames', ...spec, '--json');
    const frames = stdout.split('\n').map((line): unknown => JSON.parse(line));
    expect(frames.at(-1)).toMatchObject({ phase: 'ended', outcome: 'done', gateway: 'frames' });
    expect(exitCode).toBe(0);
  });

  it('the fleet is listed, rotated, looked at, and shows who must hand a token over; a run is one however often', async () => {
    await Promise.all(['fleet-a', 'fleet-b'].map((id) => creel('provision', id, ...spec, '--rotation', 'scheduled')));
    await creel('provision', 'by-hand', ...spec);
    const isReady = /fleet-a +ready[^]*fleet-b +ready/;
    await until(async () => isReady.test((await creel('list', '--phase', 'ready')).stdout));
    const dry = await creel('rotate', '--all', '--dry-run', '--request-id', 'r1');
    expect(dry.stdout).toMatch(/2 take part[^]*1\. fleet-[^]*2\. fleet-[^]*by-hand: its spec says rotation: manual/);
    expect((await creel('list', '--hand-over')).stdout).toBe('no gateway is like that');
    const order = [...dry.stdout.matchAll(/\d\. (\S+)/g)].map(([, id]) => id ?? '');
    interferences.set('ensureToken', order[0] ?? '', 'hold before');
    await creel('rotate', '--all', '--request-id', 'r1', '--window', '2', '--detach');
    await interferences.held('ensureToken', order[0] ?? '');
    expect((await creel('fleet', 'pause', 'r1')).stdout).toContain(
      'run r1 paused: 0 of 2 done, 0 not, 1 open, 1 waiting',
    );
    const other = await creel('rotate', '--all', '--request-id', 'r2');
    expect(other.stdout).toContain('run r1 goes through the fleet already');
    expect(other.exitCode).toBe(4);
    interferences.clear('ensureToken', order[0] ?? '');
    await until(async () =>
      (await creel('list')).stdout.endsWith('run r1 over the fleet is paused or stopping: creel fleet status r1'),
    );
    await creel('fleet', 'resume', 'r1');
    const followed = await creel('rotate', '--all', '--request-id', 'r1', '--window', '2');
    expect(followed.stdout).toMatch(/fleet-a: done[^]*run r1 ended: 2 of 2 done/);
    expect(followed.exitCode).toBe(0);
    const { stdout, exitCode } = await creel('fleet', 'status', 'r1', '--json');
    const ends: unknown = JSON.parse(stdout).ends;
    expect(ends).toContainEqual({ gateway: 'by-hand', end: 'left out', reason: 'its spec says rotation: manual' });
    expect(exitCode).toBe(0);
    const again = await creel('fleet', 'abort', 'r1');
    expect(again.exitCode).toBe(3);
    expect((await creel('fleet', 'status', 'unheard')).exitCode).toBe(3);
    const due = await creel('list', '--hand-over');
    expect(due.stdout).toMatch(/fleet-a.*hand-over due[^]*fleet-b.*hand-over due/);
    expect(due.stdout).not.toContain('by-hand');
    expect((await creel('describe', 'fleet-a')).stdout).toContain('hand-over   due: token generation 2');
    await client.workflow.getHandle(gatewayWorkflowId('fleet-a')).signal(handedOverSignal, 2);
    await until(async () => !(await creel('list', '--hand-over')).stdout.includes('fleet-a'));
  });

  it('bad input starts nothing', async () => {
    const file = path.join(world.root, 'gateway.toml');
    fs.writeFileSync(file, `release = "${testRelease}"\nmemory = "1 GB"\n`);
    const inputs = [
      ['provision', 'Bad'],
      ['provision', 'bad', '--release', 'latest'],
      ['provision', 'bad', '-f', file],
      ['provision', 'bad', '-f', `${file}.missing`],
      ['provision', 'bad', ...spec, '--cpus', 'two'],
      ['provision', 'bad', ...spec, '--restore', '--birth', 'abcdef'],
      ['provision', 'bad'],
      ['remove', 'bad', '--purge'],
      ['remove', 'bad', '--purge', '--yes=good'],
      ['open', '../bad'],
      ['devices', '../bad'],
      ['pair', 'bad'],
      ['pair', 'bad', '--device', 'Kitchen'],
      ['pair', 'bad', '--device', 'a'.repeat(64), '--name', 'Kitchen'],
      ['pair', 'bad', '--name', 'Kitchen', '--wait', 'long'],
      ['deny', 'bad'],
      ['unpair', 'bad', '--device', 'x'],
      ['change', 'bad', '--memory', '1GB'],
      ['change', 'bad', '--memory', '9999999 GB'],
      ['change', 'bad', '--cpus', '0'],
      ['change', 'bad', '--keep-state', '800 days'],
      ['list', '--phase', 'happy'],
      ['provision', 'bad', ...spec, '--rotation', 'weekly'],
      ['rotate'],
      ['rotate', 'bad', '--all'],
      ['rotate', 'bad', '--window', '5'],
      ['rotate', '--all', '--window', '0'],
      ['rotate', '--all', '--window', 'many'],
      ['rotate', '--all', '--max-failed', '10'],
      ['rotate', '--all', '--begin-within', 'soon'],
      ['fleet', 'status', 'a/b'],
      ['fleet', 'stop', 'r1'],
      ['bogus'],
    ];
    const ends = await Promise.all(inputs.map(async (input) => ({ input, end: await creel(...input) })));
    for (const { input, end } of ends) {
      const { exitCode, stderr } = end;
      expect({ input, exitCode }).toEqual({ input, exitCode: 2 });
      expect(stderr).not.toMatch(/^\s+at /m);
    }
    const told = await creel('bogus', '--json');
    expect(JSON.parse(told.stderr)).toMatchObject({ error: { kind: 'Usage', exit: told.exitCode } });
    expect(
      (await client.workflow.count(`WorkflowId STARTS_WITH '${operationPrefix('bad')}' OR GatewayId = 'bad'`)).count,
    ).toBe(0);
  });
});

describe('where Temporal is', () => {
  const demo = (pid: number) => {
    const state = path.join(world.root, 'state');
    fs.mkdirSync(path.join(state, 'creel', 'demo'), { recursive: true });
    const running = { version: 1, pid, address: '127.0.0.1:7001', namespace: 'demo', ui: 'http://127.0.0.1:7002' };
    fs.writeFileSync(path.join(state, 'creel', 'demo', 'demo.json'), JSON.stringify(running));
    return { XDG_STATE_HOME: state };
  };

  it('flags go before the environment, the environment before the demo, the demo before the usual address', () => {
    const beside = demo(process.pid);
    const profile = { address: '127.0.0.1:7003', namespace: 'env' };
    expect(findTarget({ address: '127.0.0.1:7004' }, beside, profile)).toMatchObject({
      address: '127.0.0.1:7004',
      namespace: 'env',
    });
    expect(findTarget({}, beside, profile)).toMatchObject({ address: '127.0.0.1:7003', namespace: 'env' });
    expect(findTarget({}, beside, {})).toMatchObject({
      address: '127.0.0.1:7001',
      namespace: 'demo',
      ui: 'http://127.0.0.1:7002',
    });
    expect(findTarget({}, { XDG_STATE_HOME: world.root }, {})).toMatchObject({
      address: '127.0.0.1:7233',
      namespace: 'default',
    });
  });

  it('a demo whose process is gone is none', async () => {
    const gone = spawn(process.execPath, ['-e', '']);
    await once(gone, 'exit');
    expect(findTarget({}, demo(gone.pid ?? 0), {})).toMatchObject({ address: '127.0.0.1:7233' });
  });

  it('an address that is silent is named with its source and how to start one, even past a proxy', async () => {
    const silent = { ...environment(), TEMPORAL_ADDRESS: '127.0.0.1:1', https_proxy: 'http://127.0.0.1:9' };
    const asking = execa(process.execPath, ['bin/creel.mjs', 'list'], { env: silent, extendEnv: false, reject: false });
    await once(asking.stderr, 'data');
    const said = performance.now();
    const asked = await asking;
    expect(performance.now() - said).toBeLessThan(2_500); // Nothing goes on asking.
    expect(asked.stderr).toContain('127.0.0.1:1 (from TEMPORAL_ADDRESS)');
    expect(asked.stderr).toContain('npm run demo');
    expect(asked.exitCode).toBe(6);
    const proxied = { ...environment(), https_proxy: 'http://127.0.0.1:9' };
    const reached = await execa(process.execPath, ['bin/creel.mjs', 'list'], {
      env: proxied,
      extendEnv: false,
      reject: false,
    });
    expect(reached.exitCode).toBe(0);
  });
});
