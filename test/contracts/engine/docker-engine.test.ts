import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HeldLog } from '../../../src/activities/looks/held-log.js';
import { DockerodeEngine } from '../../../src/adapters/docker/engine.js';
import { NotYet, Refused } from '../../../src/domain/errors.js';
import type { LogLine } from '../../../src/domain/gateway/log.js';
import { measureCommand, readSize, usedCommand } from '../../../src/domain/gateway/state-size.js';
import { foundSocket } from '../../ground/found.js';
import { engineContract } from './engine-contract.js';
import { clear, left, Scene, target, type EngineUnderTest } from '../../ground/engines/engine-under-test.js';
import { openDocker } from '../../ground/engines/open-docker.js';
import { patienceMs } from '../../ground/patience.js';

engineContract('a real Docker engine', openDocker);

describe('what only a real engine can show', () => {
  let world: EngineUnderTest;
  beforeAll(async () => {
    world = await openDocker();
  });
  afterAll(async () => {
    await clear(world);
    expect(await left(world)).toEqual([]);
  });

  const run = async (scene: Scene, command: readonly string[]) => {
    const { id } = await scene.find(scene.base);
    return world.engine.exec(id, { command, input: '', timeoutMs: 20_000 });
  };

  test('a file belongs to the gateway’s user and nobody else may read it, before and after the start', async () => {
    const scene = new Scene(world, 'owner');
    const { id } = await scene.container();
    const file = { path: 'openclaw.json', content: '{}', mode: 0o600, uid: 1000 };
    await world.engine.writeFiles(id, target, [file]);
    await world.engine.startContainer(id);
    const stat = ['stat', '-c', '%a %u %g %n', `${target}/openclaw.json`, target];
    const before = await run(scene, stat);
    expect(before.stdout).toBe(`600 1000 1000 ${target}/openclaw.json\n700 1000 1000 ${target}\n`);
    await world.engine.writeFiles(id, target, [{ ...file, content: '{"again":true}' }]);
    expect((await run(scene, stat)).stdout).toBe(before.stdout);
    await world.engine.writeFiles(id, target, [{ ...file, path: 'secrets/keys.json' }]);
    const below = await run(scene, ['stat', '-c', '%a %u %g %h', `${target}/secrets`, `${target}/secrets/keys.json`]);
    expect(below.stdout).toBe('700 1000 1000 2\n600 1000 1000 1\n');
  });

  /** A container that says this, with its log, until the container is removed again. */
  async function saying<T>(Tty: boolean, said: string, hear: (id: string) => Promise<T>): Promise<T> {
    const { labels } = new Scene(world, 'saying');
    const docker = new Docker({ socketPath: foundSocket() });
    const options = { Image: world.imageId, Labels: { ...labels }, Entrypoint: ['sh', '-c', said], Tty };
    const container = await docker.createContainer({ ...options, HostConfig: { NetworkMode: 'none' } });
    try {
      await container.start();
      return await hear(container.id);
    } finally {
      await container.remove({ force: true });
    }
  }

  test.each([true, false])('S4-44: the log of a container whose terminal is %s is read line by line', async (tty) => {
    const said = 'echo one; echo two >&2; head -c 40000 /dev/zero | tr "\\0" y; echo; sleep 1; echo three; sleep 2';
    const lines: LogLine[] = [];
    await saying(tty, said, async (id) => {
      const log = await world.engine.openLog(id, { follow: true }, new AbortController().signal);
      for await (const piece of log) lines.push(...piece);
    });
    expect(lines.map(({ text }) => text.slice(0, 10)).toSorted()).toEqual(['one', 'three', 'two', 'y'.repeat(10)]);
    for (const { at } of lines) expect(Math.abs(Date.parse(at) - Date.now())).toBeLessThan(60_000);
  });

  test.each([true, false])('S4-44: the very last words of a container whose terminal is %s are heard', async (tty) => {
    const lines = await saying(tty, 'echo first; sleep 1; printf "last words"', async (id) => {
      const heard: LogLine[] = [];
      const log = HeldLog.open(world.engine, id, { follow: true });
      while (!log.isOver) heard.push(...(await log.next(1_000, undefined, (line) => line)).lines);
      return heard;
    });
    expect(lines.map(({ text }) => text)).toEqual(['first', 'last words']);
  });

  test('a state that does not fit is refused, and what was saved of it makes room again', async () => {
    const scene = new Scene(world, 'full');
    const { id } = await scene.container();
    const file = (path: string) => ({ path, content: 'x'.repeat(900_000), mode: 0o600, uid: 1000 });
    await world.engine.writeFiles(id, target, [file('one'), file('two')]);
    const shelf = `${scene.base}-snap`;
    const options = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' };
    const docker = new Docker({ socketPath: foundSocket() });
    await docker.createVolume({ Name: shelf, Driver: 'local', DriverOpts: options, Labels: { ...scene.labels } });
    const holder = new Scene(world, 'holder'); // As long as it is in use, such a volume keeps what it holds.
    await holder.running({ volume: { name: shelf, target } });
    const { base, labels } = scene;
    await world.engine.renameContainer(id, `${base}-old`);
    const whole = { birth: '7k3fq2', release: '2026.9.6', copy: 'a/7', whole: true };
    const own = { state: `${base}-state`, copier: `${base}-copy`, gateway: base };
    const copy = { ...own, saved: shelf, labels, imageId: world.imageId, whole };
    const saved = world.engine.saveVolume(copy);
    await expect(saved).rejects.toThrow(Refused);
    await expect(saved).rejects.toThrow(/no room on its host .*No space left on device/s);
    expect(await world.engine.findContainer(copy.copier)).toBeUndefined();
    expect((await run(holder, ['ls', '-A', target])).stdout).toBe('');
    expect(await world.engine.restoreVolume(copy)).toBe('nothing saved');
    expect(await world.engine.readFile(id, `${target}/two`)).toHaveLength(900_000);
  });

  test('a path that is too long for any copy is measured, and a copy of it is refused with the path', async () => {
    const scene = new Scene(world, 'deep');
    const { id } = await scene.running();
    const name = 'd'.repeat(200);
    const deep = `cd ${target}; i=0; while [ $i -lt 22 ]; do mkdir ${name} && cd ${name}; i=$((i+1)); done; echo x > file`;
    expect((await run(scene, ['sh', '-c', deep])).exitCode).toBe(0);
    const { base, labels } = scene;
    const [state, imageId] = [`${base}-state`, world.imageId];
    const errand = { name: `${base}-copy`, labels, imageId, command: measureCommand(), limitMs: 30_000 };
    const mounts = [{ volume: state, target, readOnly: true }];
    const size = readSize((await world.engine.runErrand({ ...errand, mounts })).stdout);
    expect(size?.tooLong).toMatch(/^\.\/ddd/);
    expect(size?.bytes).toBeGreaterThan(22 * 4_096);
    expect(readSize((await run(scene, usedCommand())).stdout)?.bytes).toBe(size?.bytes);
    await world.engine.stopContainer(id, 1);
    await world.engine.renameContainer(id, `${base}-old`);
    await world.engine.createVolume({ name: `${base}-snap`, labels });
    const whole = { birth: '7k3fq2', release: '2026.9.6', copy: 'a/7', whole: true };
    const copy = { state, saved: `${base}-snap`, copier: `${base}-copy`, gateway: base, labels, imageId, whole };
    const saved = world.engine.saveVolume(copy);
    await expect(saved).rejects.toThrow(Refused);
    await expect(saved).rejects.toThrow(/File name too long.*Move or remove what lies that deep/s);
    expect(await world.engine.restoreVolume(copy)).toBe('nothing saved');
  });

  test('a directory that the container does not have is an error', async () => {
    const { id } = await new Scene(world, 'nowhere').container();
    const file = { path: 'x', content: '', mode: 0o600, uid: 1000 };
    await expect(world.engine.writeFiles(id, '/nowhere', [file])).rejects.toThrow(/write into \/nowhere/);
  });

  test('a directory is not read as a file', async () => {
    const { id } = await new Scene(world, 'directory').container();
    await expect(world.engine.readFile(id, target)).rejects.toThrow(`${target} is a directory, not a file`);
  });

  test('a file over the limit is an error, not a full memory', async () => {
    const { id } = await new Scene(world, 'large').container();
    const file = { path: 'large', content: 'x'.repeat(2_000_000), mode: 0o600, uid: 1000 };
    await world.engine.writeFiles(id, target, [file]);
    await expect(world.engine.readFile(id, `${target}/large`)).rejects.toThrow(/larger than 1048576 bytes/);
  });

  test('exit code, output and errors of a command come apart', async () => {
    const scene = new Scene(world, 'apart');
    await scene.running();
    const answer = await run(scene, ['sh', '-c', 'echo out; echo err >&2; exit 3']);
    expect(answer).toEqual({ exitCode: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  test('a volume that an image declares and nobody names goes with its container, and a named one stays', async () => {
    const scene = new Scene(world, 'declared');
    const docker = new Docker({ socketPath: foundSocket() });
    const bare = await docker.createContainer({ Image: world.imageId, Labels: { ...scene.labels } });
    const { Id: imageId } = (await bare.commit({ changes: 'VOLUME /extra' })) as { Id: string };
    await bare.remove({ force: true });
    try {
      const writer = { ...scene.writer(), imageId };
      await world.engine.createVolume({ name: writer.volume, labels: scene.labels });
      await world.engine.createWriter(writer);
      const { id } = await scene.find(writer.name);
      const { Mounts } = await docker.getContainer(id).inspect();
      const [declared] = Mounts.filter(({ Destination }) => Destination === '/extra');
      expect(declared?.Name).toMatch(/^[0-9a-f]{64}$/);
      await world.engine.removeContainer(id);
      expect(await world.engine.findVolume(declared?.Name ?? '')).toBeUndefined();
      expect(await world.engine.findVolume(writer.volume)).toBeDefined();
    } finally {
      await docker.getImage(imageId).remove({ force: true });
    }
  });

  test('endless output is cut and is an error', async () => {
    const scene = new Scene(world, 'endless');
    await scene.running();
    await expect(run(scene, ['yes'])).rejects.toThrow(
      /run yes in container \w+ gave more than 1048576 bytes of output/,
    );
  });

  test('a container that ends as often as it is started is seen restarting, and ends when it is told to', async () => {
    const scene = new Scene(world, 'loop');
    const { id } = await scene.running({ command: ['sh', '-c', 'echo boom; exit 3'], restartPolicy: 'unless-stopped' });
    await expect
      .poll(() => scene.find(scene.base), { timeout: patienceMs })
      .toMatchObject({ state: 'restarting', exitCode: 3, restartCount: 3 });
    await world.engine.setRestartPolicy(id, 'no');
    await world.engine.stopContainer(id, 1);
    expect(await scene.find(scene.base)).toMatchObject({ state: 'exited', exitCode: 3, restartPolicy: 'no' });
    expect(await world.engine.lastLog(id, 2)).toBe('boom\nboom\n');
  });

  test('a command that does not end is an error at its time-out', async () => {
    const { id } = await new Scene(world, 'slow').running();
    const request = { command: ['sleep', '30'], input: '', timeoutMs: 700 };
    await expect(world.engine.exec(id, request)).rejects.toThrow(/run sleep in container \w+.* took longer than/);
  });

  test('a registry that does not answer is not yet', async () => {
    const reference = `127.0.0.1:1/openclaw@sha256:${'b'.repeat(64)}`;
    await expect(world.engine.pullImage(reference, () => undefined)).rejects.toThrow(NotYet);
  });

  test('S0-23, S4-14: limits, no swap, no capabilities, read-only root, init, rotated logs, loopback only', async () => {
    const scene = new Scene(world, 'limits');
    const { id } = await scene.running({ cpus: 1.5, memoryMb: 300 });
    const { HostConfig, Config, NetworkSettings } = await new Docker({ socketPath: foundSocket() })
      .getContainer(id)
      .inspect();
    expect(HostConfig).toMatchObject({
      Memory: 300 * 1024 ** 2,
      MemorySwap: 300 * 1024 ** 2,
      NanoCpus: 1_500_000_000,
      PidsLimit: 512,
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      Init: true,
      NetworkMode: scene.base,
      Tmpfs: { '/tmp': 'rw,nosuid,nodev,mode=1777' },
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
    });
    expect(Config.Hostname).toBe(scene.base);
    expect(Config.Healthcheck).toMatchObject({ Interval: 30e9, Timeout: 5e9, StartPeriod: 45e9, Retries: 5 });
    expect(Object.keys(NetworkSettings.Networks)).toEqual([scene.base]);
    expect(NetworkSettings.Ports['18789/tcp']?.map(({ HostIp }) => HostIp)).toEqual(['127.0.0.1']);
  });

  test('a writer has no network and never ran', async () => {
    const scene = new Scene(world, 'mute');
    await scene.parts();
    await world.engine.createWriter(scene.writer());
    const { HostConfig, State } = await new Docker({ socketPath: foundSocket() })
      .getContainer(scene.writer().name)
      .inspect();
    expect(HostConfig.NetworkMode).toBe('none');
    expect(State.StartedAt).toBe('0001-01-01T00:00:00Z');
  });

  test('DOCKER_HOST of the environment does not lead elsewhere, and stays for others', async () => {
    const saved = process.env['DOCKER_HOST'];
    process.env['DOCKER_HOST'] = 'tcp://127.0.0.1:1';
    try {
      const engine = new DockerodeEngine({ socketPath: foundSocket(), signal: () => undefined });
      expect((await engine.findImage(world.imageId))?.id).toBe(world.imageId);
      expect(process.env['DOCKER_HOST']).toBe('tcp://127.0.0.1:1');
    } finally {
      if (saved === undefined) delete process.env['DOCKER_HOST'];
      else process.env['DOCKER_HOST'] = saved;
    }
  });
});
