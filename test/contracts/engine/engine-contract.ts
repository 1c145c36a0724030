import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copies } from './copy-contract.js';
import { NotYet, Refused, StartOver } from '../../../src/domain/errors.js';
import type { LogLine } from '../../../src/domain/gateway/log.js';
import type { DockerEngine, LogWish } from '../../../src/ports/docker-engine.js';
import {
  clear,
  left,
  Scene,
  talking,
  talkingOn,
  target,
  type EngineUnderTest,
} from '../../ground/engines/engine-under-test.js';
import { patienceMs } from '../../ground/patience.js';

type Scenes = (gateway: string) => Scene;

/** What `DockerEngine` promises, held against any implementation. */
export function engineContract(title: string, open: () => Promise<EngineUnderTest>): void {
  describe(title, () => {
    let world: EngineUnderTest;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(async () => {
      if (!world) return;
      await clear(world);
      expect(await left(world)).toEqual([]);
    });
    const scenes: Scenes = (gateway) => new Scene(world, gateway);
    describe('images', () => images(scenes));
    describe('volumes', () => volumes(scenes));
    describe('networks', () => networks(scenes));
    describe('creating containers', () => creating(scenes));
    describe('running containers', () => running(scenes));
    describe('missing parts', () => missing(scenes));
    describe('files', () => files(scenes));
    describe('renaming', () => renaming(scenes));
    describe('copies of a volume', () => copies(scenes));
    describe('errands', () => errands(scenes));
    describe('commands and logs', () => commands(scenes));
    describe('logs that are read on', () => logs(scenes));
    test('marked things are listed, stopped ones and writers too', () => listing(scenes));
  });
}

function images(scenes: Scenes): void {
  test('an image is found by its tag and by its id, with its labels', async () => {
    const { engine, world } = scenes('image');
    const byTag = await engine.findImage(world.imageReference);
    expect(byTag?.id).toBe(world.imageId);
    expect(byTag?.labels['creel.release']).toBe('2026.9.6');
    expect(await engine.findImage(world.imageId)).toEqual(byTag);
  });

  test('an image that is not there is removed already', async () => {
    await scenes('image').engine.removeImage('creel/none:1');
  });

  test('an image that a container uses stays', async () => {
    const scene = scenes('image-used');
    await scene.container();
    await scene.engine.removeImage(scene.world.imageId);
    expect((await scene.engine.findImage(scene.world.imageId))?.id).toBe(scene.world.imageId);
  });

  test('an image that is not there is undefined', async () => {
    expect(await scenes('image').engine.findImage('creel/none:1')).toBeUndefined();
    expect(await scenes('image').engine.findImage(`sha256:${'0'.repeat(64)}`)).toBeUndefined();
  });
}

function volumes(scenes: Scenes): void {
  test('a volume that exists keeps its labels', async () => {
    const { engine, base: name, labels } = scenes('labels');
    await engine.createVolume({ name, labels });
    await engine.createVolume({ name, labels: { ...labels, 'creel.birth': 'zzzzzz' } });
    expect(await engine.findVolume(name)).toEqual({ name, labels });
  });

  test('two attempts at once make one volume', async () => {
    const { engine, base: name, labels } = scenes('twice');
    await Promise.all([engine.createVolume({ name, labels }), engine.createVolume({ name, labels })]);
    const all = await engine.listMarked();
    expect(all.filter((each) => each.name === name)).toEqual([{ kind: 'volume', name, labels }]);
  });

  test('a volume is removed once, and removing it again is success', async () => {
    const { engine, base: name, labels } = scenes('removed');
    await engine.createVolume({ name, labels });
    await engine.removeVolume(name);
    await engine.removeVolume(name);
    expect(await engine.findVolume(name)).toBeUndefined();
  });

  test('a volume that a never-started container names cannot go', async () => {
    const scene = scenes('held');
    await scene.engine.createVolume({ name: `${scene.base}-state`, labels: scene.labels });
    expect(await scene.engine.createWriter(scene.writer())).toBe('created');
    await expect(scene.engine.removeVolume(`${scene.base}-state`)).rejects.toThrow(NotYet);
    expect(await scene.engine.findVolume(`${scene.base}-state`)).toBeDefined();
    await scene.engine.removeContainer((await scene.find(`${scene.base}-write`)).id);
    await scene.engine.removeVolume(`${scene.base}-state`);
    expect(await scene.engine.findVolume(`${scene.base}-state`)).toBeUndefined();
  });
}

function networks(scenes: Scenes): void {
  test('a network is read back with labels and subnet, by its exact name only', async () => {
    const { engine, base: name, labels, world } = scenes('read');
    const subnet = world.subnet();
    expect(await engine.createNetwork({ name, labels, subnet })).toBe('created');
    expect(await engine.findNetworks(name)).toEqual([{ id: expect.any(String), name, labels, subnets: [subnet] }]);
    expect(await engine.findNetworks(name.slice(0, -1))).toEqual([]);
  });

  test('the name is taken, the subnet is taken, a part of the subnet is taken', async () => {
    const { engine, base: name, labels, world } = scenes('clash');
    const subnet = world.subnet();
    await engine.createNetwork({ name, labels, subnet });
    expect(await engine.createNetwork({ name, labels, subnet: world.subnet() })).toBe('name taken');
    expect(await engine.createNetwork({ name: `${name}-2`, labels, subnet })).toBe('subnet taken');
    const part = subnet.replace('/28', '/29');
    expect(await engine.createNetwork({ name: `${name}-3`, labels, subnet: part })).toBe('subnet taken');
    expect(await engine.findNetworks(name)).toHaveLength(1);
    expect(await engine.findNetworks(`${name}-2`)).toEqual([]);
  });

  test('two attempts at once for one subnet make one network', async () => {
    const { engine, base: name, labels, world } = scenes('race');
    const network = { name, labels, subnet: world.subnet() };
    const answers = await Promise.all([engine.createNetwork(network), engine.createNetwork(network)]);
    expect(answers.filter((answer) => answer === 'created')).toHaveLength(1);
    expect(await engine.findNetworks(name)).toHaveLength(1);
  });

  test('several networks of one name, where an engine lets them be, are all found, and each is removed by its id', async () => {
    const { engine, base: name, labels, world } = scenes('double');
    await engine.createNetwork({ name, labels, subnet: world.subnet() });
    const isDoubled = await world.addNetwork({ name, labels, subnet: world.subnet() });
    const [one, ...others] = await engine.findNetworks(name);
    expect(others).toHaveLength(isDoubled ? 1 : 0);
    expect(others.map(({ id }) => id)).not.toContain(one?.id);
    await engine.removeNetwork(one?.id ?? '');
    await engine.removeNetwork(one?.id ?? '');
    expect(await engine.findNetworks(name)).toEqual(others);
  });

  test('a network cannot go while a container is on it, running or not', async () => {
    const scene = scenes('attached');
    const { id } = await scene.container();
    const [network] = await scene.engine.findNetworks(scene.base);
    await expect(scene.engine.removeNetwork(network?.id ?? '')).rejects.toThrow(NotYet);
    await scene.engine.startContainer(id);
    await expect(scene.engine.removeNetwork(network?.id ?? '')).rejects.toThrow(NotYet);
    await scene.engine.stopContainer(id, 5);
    await expect(scene.engine.removeNetwork(network?.id ?? '')).rejects.toThrow(NotYet);
    await scene.engine.removeContainer(id);
    await scene.engine.removeNetwork(network?.id ?? '');
    expect(await scene.engine.findNetworks(scene.base)).toEqual([]);
  });
}

function creating(scenes: Scenes): void {
  test('a created container is read back and does not run', async () => {
    const scene = scenes('made');
    const made = await scene.container();
    expect(made).toMatchObject({ name: scene.base, labels: scene.labels, imageId: scene.world.imageId });
    expect(made.labels['creel.release'], 'a container has the labels of its image too').toBe('2026.9.6');
    expect(made).toMatchObject({ state: 'created', restartPolicy: 'no', restartCount: 0, outOfMemory: false });
    expect(made.memoryMb, 'its limit').toBe(256);
  });

  test('a name that a foreign container has is taken, and that container stays as it is', async () => {
    const scene = scenes('foreign');
    const foreign = { 'creel.deployment': `${scene.world.deployment}-foreign` };
    const before = await scene.container({ labels: foreign });
    expect(await scene.engine.createContainer(await scene.spec())).toBe('name taken');
    expect(await scene.find(scene.base)).toEqual(before);
  });

  test('a container for which none is asked has neither network nor port', async () => {
    const scene = scenes('alone');
    const { network: _network, publish: _publish, ...spec } = await scene.parts();
    expect(await scene.engine.createContainer({ ...spec, volume: { ...spec.volume } })).toBe('created');
    const { id, name } = await scene.find(spec.name);
    expect(await scene.engine.startContainer(id)).toBe('running');
    expect(await scene.find(name)).toMatchObject({ state: 'running', memoryMb: 256 });
    const [network] = await scene.engine.findNetworks(scene.base);
    await scene.engine.removeNetwork(network?.id ?? '');
  });

  test('S4-6: two attempts at once make one container', async () => {
    const scene = scenes('pair');
    const spec = await scene.parts();
    const answers = await Promise.all([scene.engine.createContainer(spec), scene.engine.createContainer(spec)]);
    expect(answers.toSorted()).toEqual(['created', 'name taken']);
  });

  test('two attempts at once make one writer', async () => {
    const scene = scenes('writers');
    await scene.parts();
    const answers = await Promise.all([
      scene.engine.createWriter(scene.writer()),
      scene.engine.createWriter(scene.writer()),
    ]);
    expect(answers.toSorted()).toEqual(['created', 'name taken']);
    expect(await scene.find(`${scene.base}-write`)).toMatchObject({ state: 'created', labels: scene.labels });
  });
}

function running(scenes: Scenes): void {
  test('started twice it runs, stopped twice it is stopped, removed twice it is gone', async () => {
    const scene = scenes('life');
    const { id, name } = await scene.container();
    await scene.engine.stopContainer(id, 5);
    expect((await scene.find(name)).state).toBe('created');
    expect(await scene.engine.startContainer(id)).toBe('running');
    const started = await scene.find(name);
    expect(started.state).toBe('running');
    expect(await scene.engine.startContainer(id)).toBe('running');
    expect((await scene.find(name)).startedAt).toBe(started.startedAt);
    await scene.engine.stopContainer(id, 5);
    await scene.engine.stopContainer(id, 5);
    expect((await scene.find(name)).state).toBe('exited');
    expect(await scene.engine.startContainer(id)).toBe('running');
    await scene.engine.removeContainer(id);
    await scene.engine.removeContainer(id);
    await scene.engine.stopContainer(id, 5);
    expect(await scene.engine.findContainer(name)).toBeUndefined();
    expect(await scene.engine.findVolume(`${scene.base}-state`)).toBeDefined();
  });

  test('a port on which something foreign listens is taken; once it is free the same container starts', async () => {
    const scene = scenes('port');
    const spec = await scene.parts();
    const release = await scene.world.occupyPort(spec.publish.hostPort);
    try {
      await scene.engine.createContainer(spec);
      const { id } = await scene.find(spec.name);
      expect(await scene.engine.startContainer(id)).toBe('port taken');
      expect((await scene.find(spec.name)).state).toBe('created');
      await release();
      expect(await scene.engine.startContainer(id)).toBe('running');
    } finally {
      await release();
    }
  });

  test('a port that another container has is taken', async () => {
    const first = await scenes('port-a').parts();
    await scenes('port-a').engine.createContainer(first);
    await scenes('port-a').engine.startContainer((await scenes('port-a').find(first.name)).id);
    const second = await scenes('port-b').container({ publish: first.publish });
    expect(await scenes('port-b').engine.startContainer(second.id)).toBe('port taken');
  });

  test('a container that died says so', async () => {
    const scene = scenes('died');
    const { name } = await scene.running();
    await scene.world.crash(name);
    await expect.poll(async () => (await scene.find(name)).state, { timeout: 10_000 }).toBe('exited');
    expect((await scene.find(name)).exitCode).toBe(137);
  });

  test('other limits are in force while it runs on, and less memory than it holds is refused', async () => {
    const scene = scenes('limits');
    const { id, name, startedAt } = await scene.running();
    const limits = { memoryMb: 512, cpus: 0.5 };
    await scene.engine.updateContainer(id, limits);
    await scene.engine.updateContainer(id, limits);
    expect(await scene.find(name)).toMatchObject({ ...limits, state: 'running', startedAt });
    expect(await scene.engine.findMemoryInUse(id)).toBeLessThan(100);
    await scene.world.fillMemory(name, 64);
    expect(await scene.engine.findMemoryInUse(id)).toBeGreaterThanOrEqual(64);
    await expect(scene.engine.updateContainer(id, { memoryMb: 32, cpus: 0.5 })).rejects.toThrow(Refused);
    expect(await scene.find(name)).toMatchObject(limits);
    await scene.engine.stopContainer(id, 1);
    await scene.engine.updateContainer(id, { memoryMb: 256, cpus: 1 });
    expect(await scene.find(name)).toMatchObject({ memoryMb: 256, cpus: 1, state: 'exited' });
  });

  test('the restart policy changes while it runs', async () => {
    const scene = scenes('policy');
    const { id, name } = await scene.running();
    await scene.engine.setRestartPolicy(id, 'unless-stopped');
    expect((await scene.find(name)).restartPolicy).toBe('unless-stopped');
    await scene.engine.setRestartPolicy(id, 'no');
    expect(await scene.find(name)).toMatchObject({ restartPolicy: 'no', state: 'running' });
  });
}

function renaming(scenes: Scenes): void {
  test('a container has its new name, its id and its labels; twice is once', async () => {
    const scene = scenes('renamed');
    const { id, name } = await scene.running();
    expect(await scene.engine.renameContainer(id, `${name}-old`)).toBe('renamed');
    expect(await scene.engine.renameContainer(id, `${name}-old`)).toBe('renamed');
    expect(await scene.engine.findContainer(name)).toBeUndefined();
    expect(await scene.find(`${name}-old`)).toMatchObject({ id, labels: scene.labels, state: 'running' });
    await scene.engine.stopContainer(id, 1);
    expect(await scene.engine.renameContainer(id, name)).toBe('renamed');
    expect(await scene.engine.startContainer(id)).toBe('running');
    expect((await scene.find(name)).state).toBe('running');
  });

  test('another one may take the old name, and then it is taken', async () => {
    const scene = scenes('beside');
    const { id, name } = await scene.container();
    await scene.engine.renameContainer(id, `${name}-old`);
    expect(await scene.engine.createContainer(await scene.spec())).toBe('created');
    expect(await scene.engine.renameContainer(id, name)).toBe('name taken');
    expect((await scene.find(`${name}-old`)).id).toBe(id);
    await scene.engine.removeContainer(id);
    expect(await scene.engine.findContainer(`${name}-old`)).toBeUndefined();
    expect(await scene.find(name)).toMatchObject({ state: 'created' });
  });
}

function errands(scenes: Scenes): void {
  async function errand(gateway: string, command: string) {
    const scene = scenes(gateway);
    const volume = `${scene.base}-state`;
    await scene.engine.createVolume({ name: volume, labels: scene.labels });
    const spec = {
      name: `${scene.base}-try`,
      labels: scene.labels,
      imageId: scene.world.imageId,
      command: [command],
      mounts: [{ volume, target: '/live', readOnly: true }],
      limitMs: 30_000,
    };
    return { scene, spec };
  }

  test('an errand runs to its end, says how it ended, and leaves no container', async () => {
    const { scene, spec } = await errand('errand', 'true');
    expect((await scene.engine.runErrand(spec)).exitCode).toBe(0);
    expect((await scene.engine.runErrand({ ...spec, command: ['false'] })).exitCode).toBe(1);
    expect(await scene.engine.findContainer(spec.name)).toBeUndefined();
  });

  test('a volume that is gone is not made for an errand', async () => {
    const { scene, spec } = await errand('errand-no', 'true');
    const mounts = [{ volume: `${scene.base}-none`, target: '/live', readOnly: true }];
    await expect(scene.engine.runErrand({ ...spec, mounts })).rejects.toThrow(StartOver);
    expect(await scene.engine.findVolume(`${scene.base}-none`)).toBeUndefined();
  });
}

function missing(scenes: Scenes): void {
  test('without its image, network or volume a container is not created, and nothing is made in their place', async () => {
    const scene = scenes('parts');
    const spec = await scene.parts();
    const none = `sha256:${'0'.repeat(64)}`;
    const { engine } = scene;
    await expect(engine.createContainer({ ...spec, imageId: none })).rejects.toThrow(StartOver);
    await expect(engine.createContainer({ ...spec, network: `${scene.base}-no` })).rejects.toThrow(StartOver);
    const volume = { name: `${scene.base}-no`, target };
    await expect(engine.createContainer({ ...spec, volume })).rejects.toThrow(StartOver);
    await expect(engine.createWriter({ ...scene.writer(), volume: volume.name })).rejects.toThrow(StartOver);
    await expect(engine.createWriter({ ...scene.writer(), imageId: none })).rejects.toThrow(StartOver);
    expect(await engine.findVolume(volume.name)).toBeUndefined();
    expect(await engine.findContainer(spec.name)).toBeUndefined();
    expect(await engine.findContainer(`${scene.base}-write`)).toBeUndefined();
  });

  test('a container whose network went away does not start', async () => {
    const scene = scenes('cut-off');
    const { id } = await scene.container();
    await scene.world.forget('network', scene.base);
    await expect(scene.engine.startContainer(id)).rejects.toThrow(StartOver);
  });

  test('a stopped container does not start on another network of the same name: it holds on to the one it had', async () => {
    const scene = scenes('cut-over');
    const { id } = await scene.running();
    await scene.engine.stopContainer(id, 1);
    await scene.world.forget('network', scene.base);
    await scene.engine.createNetwork({ name: scene.base, labels: scene.labels, subnet: scene.world.subnet() });
    await expect(scene.engine.startContainer(id)).rejects.toThrow(StartOver);
    await scene.engine.removeContainer(id);
    await scene.engine.createContainer(await scene.spec());
    expect(await scene.engine.startContainer((await scene.find(scene.base)).id)).toBe('running');
  });

  test('a container removed behind our back is undefined, not yet there for what needs it, and gone for what removes it', async () => {
    const scene = scenes('vanished');
    const { id, name } = await scene.running();
    await scene.world.forget('container', name);
    const { engine } = scene;
    expect(await engine.findContainer(name)).toBeUndefined();
    await expect(engine.startContainer(id)).rejects.toThrow(NotYet);
    await expect(engine.setRestartPolicy(id, 'no')).rejects.toThrow(NotYet);
    await expect(engine.writeFiles(id, target, [])).rejects.toThrow(NotYet);
    await expect(engine.readFile(id, `${target}/x`)).rejects.toThrow(NotYet);
    await expect(engine.exec(id, { command: ['cat'], input: '', timeoutMs: 5_000 })).rejects.toThrow(NotYet);
    await expect(engine.lastLog(id, 5)).rejects.toThrow(NotYet);
    await expect(engine.renameContainer(id, `${name}-old`)).rejects.toThrow(NotYet);
    await engine.stopContainer(id, 1);
    await engine.removeContainer(id);
  });
}

function files(scenes: Scenes): void {
  test('a container that is not paused goes on without harm', async () => {
    const scene = scenes('paused');
    const { id, name } = await scene.running();
    await scene.engine.unpauseContainer(id);
    expect(await scene.find(name)).toMatchObject({ state: 'running' });
  });

  test('what a never-started writer writes, the container with the same volume reads', async () => {
    const scene = scenes('config');
    const { id } = await scene.container();
    await scene.engine.createWriter(scene.writer());
    const writer = await scene.find(`${scene.base}-write`);
    const file = { path: 'openclaw.json', content: '{"greeting":"grüß dich"}', mode: 0o600, uid: 1000 };
    await scene.engine.writeFiles(writer.id, target, [file]);
    expect(await scene.engine.readFile(writer.id, `${target}/openclaw.json`)).toBe(file.content);
    expect(await scene.engine.readFile(id, `${target}/openclaw.json`)).toBe(file.content);
    await scene.engine.removeContainer(writer.id);
    await scene.engine.startContainer(id);
    await scene.engine.writeFiles(id, target, [{ ...file, content: '{}' }]);
    expect(await scene.engine.readFile(id, `${target}/openclaw.json`)).toBe('{}');
  });

  test('a file below a directory that is not there is written, and written again', async () => {
    const scene = scenes('below');
    const { id } = await scene.container();
    for (const content of ['{"a":"1"}', '{}']) {
      await scene.engine.writeFiles(id, target, [{ path: 'secrets/keys.json', content, mode: 0o600, uid: 1000 }]);
      expect(await scene.engine.readFile(id, `${target}/secrets/keys.json`)).toBe(content);
      expect(await scene.engine.findOwner(id, `${target}/secrets/keys.json`)).toEqual({ uid: 1000, mode: 0o600 });
    }
  });

  test('several files are written at once, and one that is not there is undefined', async () => {
    const scene = scenes('several');
    const { id } = await scene.container();
    const texts = ['a', 'b'].map((path) => ({ path, content: path.repeat(70_000), mode: 0o600, uid: 1000 }));
    await scene.engine.writeFiles(id, target, texts);
    for (const { path, content } of texts) expect(await scene.engine.readFile(id, `${target}/${path}`)).toBe(content);
    expect(await scene.engine.readFile(id, `${target}/c`)).toBeUndefined();
    expect(await scene.engine.readFile(id, '/nowhere/c')).toBeUndefined();
    expect(await scene.engine.findOwner(id, `${target}/${texts[0]?.path}`)).toEqual({ uid: 1000, mode: 0o600 });
    expect(await scene.engine.findOwner(id, `${target}/c`)).toBeUndefined();
  });
}

function commands(scenes: Scenes): void {
  test('a command gets its input and gives its output', async () => {
    const scene = scenes('cat');
    const { id } = await scene.running();
    const input = 'höher\n'.repeat(10_000);
    const answer = await scene.engine.exec(id, { command: ['cat'], input, timeoutMs: 20_000 });
    expect(answer).toEqual({ exitCode: 0, stdout: input, stderr: '' });
  });

  test('a command that is not in the image ends with a code that says so', async () => {
    const scene = scenes('nothing');
    const { id } = await scene.running();
    const request = { command: ['no-such-command'], input: '', timeoutMs: 20_000 };
    const { exitCode } = await scene.engine.exec(id, request);
    expect([126, 127]).toContain(exitCode);
  });

  test('in a container that does not run there is no command yet', async () => {
    const scene = scenes('asleep');
    const { id } = await scene.container();
    const request = { command: ['cat'], input: '', timeoutMs: 20_000 };
    await expect(scene.engine.exec(id, request)).rejects.toThrow(NotYet);
    await scene.engine.startContainer(id);
    await scene.engine.stopContainer(id, 5);
    await expect(scene.engine.exec(id, request)).rejects.toThrow(NotYet);
  });

  test('S4-8: the last lines of a log are read, of a stopped container too', async () => {
    const scene = scenes('log');
    const lines = ['one', 'two', 'three', 'four'];
    const { id, name } = await scene.running({ command: talking(lines) });
    await scene.world.speak(name, lines);
    await expect.poll(() => scene.engine.lastLog(id, 2), { timeout: 10_000 }).toBe('three\nfour\n');
    await scene.engine.stopContainer(id, 5);
    expect(await scene.engine.lastLog(id, 3)).toBe('two\nthree\nfour\n');
    expect(await scene.engine.lastLog(id, 20)).toBe('one\ntwo\nthree\nfour\n');
  });
}

/** What a log gives until it is over, or until it has given so many lines. */
async function heard(
  engine: DockerEngine,
  id: string,
  wish: LogWish,
  most = Infinity,
  lines: LogLine[] = [],
): Promise<LogLine[]> {
  const over = new AbortController();
  for await (const piece of await engine.openLog(id, wish, over.signal)) {
    lines.push(...piece);
    if (lines.length >= most) over.abort();
  }
  return lines;
}

const texts = (lines: readonly LogLine[]) => lines.map(({ text }) => text);

function logs(scenes: Scenes): void {
  test('S4-43: the tail of a log comes with its moments, of a stopped container too', async () => {
    const scene = scenes('tail');
    const said = ['one', 'two', 'three', 'four'];
    const { id, name } = await scene.running({ command: talking(said) });
    await scene.world.speak(name, said);
    const all = () => heard(scene.engine, id, { follow: false });
    await expect.poll(async () => texts(await all()), { timeout: 10_000 }).toEqual(said);
    const lines = await all();
    expect(lines.map(({ at }) => at)).toEqual(lines.map(({ at }) => at).toSorted());
    for (const { at, stream } of lines) {
      expect(stream).toBe('stdout');
      expect(at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
      expect(Math.abs(Date.parse(at) - Date.now())).toBeLessThan(60_000);
    }
    expect(texts(await heard(scene.engine, id, { tail: 2, follow: false }))).toEqual(['three', 'four']);
    const since = lines[2]?.at ?? '';
    expect(texts(await heard(scene.engine, id, { since, follow: false }))).toEqual(['three', 'four']);
    await scene.engine.stopContainer(id, 1);
    expect(await heard(scene.engine, id, { since, follow: true })).toEqual(lines.slice(2));
  });

  test('S4-43: a log that is followed gives what comes, until the container stops or nobody reads', async () => {
    const scene = scenes('follow');
    const said = ['one', 'two'];
    const later = ['three', 'four'];
    const { id, name } = await scene.running({ command: talkingOn(said, later) });
    await scene.world.speak(name, said);
    const heardSoFar: LogLine[] = [];
    const followed = heard(scene.engine, id, { follow: true }, Infinity, heardSoFar);
    const left = await heard(scene.engine, id, { follow: true }, 2);
    expect(texts(left)).toEqual(said);
    await scene.world.speak(name, later);
    await expect.poll(() => texts(heardSoFar), { timeout: patienceMs }).toEqual([...said, ...later]);
    await scene.engine.stopContainer(id, 1);
    expect(texts(await followed)).toEqual([...said, ...later]);
  });

  test('a log of a container that is gone is not there yet', async () => {
    const scene = scenes('unlogged');
    const { id } = await scene.container();
    expect(await heard(scene.engine, id, { follow: true })).toEqual([]);
    await scene.engine.removeContainer(id);
    await expect(heard(scene.engine, id, { follow: false })).rejects.toThrow(NotYet);
  });
}

async function listing(scenes: Scenes): Promise<void> {
  const scene = scenes('list');
  const { id } = await scene.running();
  await scene.engine.stopContainer(id, 5);
  await scene.engine.createWriter(scene.writer());
  const others = [`${scene.base}-unmarked`, `${scene.base}-7k3fq2-state`];
  for (const name of others) await scene.engine.createVolume({ name, labels: {} });
  try {
    const own = (await scene.engine.listMarked()).filter(({ name }) => name.startsWith(scene.base));
    const { base, labels } = scene;
    expect(own.toSorted((a, b) => (a.kind + a.name < b.kind + b.name ? -1 : 1))).toMatchObject([
      { kind: 'container', name: base, labels },
      { kind: 'container', name: `${base}-write`, labels },
      { kind: 'network', name: base, labels },
      { kind: 'volume', name: `${base}-state`, labels },
    ]);
    const unmarked = (await scene.engine.listUnmarked()).filter(({ name }) => name.startsWith(scene.base));
    expect(unmarked).toEqual([{ kind: 'volume', name: others[1] }]);
  } finally {
    for (const name of others) await scene.engine.removeVolume(name);
  }
}
