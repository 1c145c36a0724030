import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import tar from 'tar-stream';
import { request, type EngineAt } from '../src/adapters/docker/call.js';
import { DockerodeEngine } from '../src/adapters/docker/engine.js';
import { readPublicHalf } from '../src/adapters/ssh/identity-file.js';
import { RemoteHost } from '../src/adapters/ssh/remote-host.js';
import { readShownKey } from '../src/adapters/ssh/shown-key.js';
import { foundSocket } from '../test/ground/found.js';
import { ImageRegistry } from '../test/ground/registries/image-registry.js';
import { scratchDirectory } from '../test/world/scratch.js';
import { median, ratio } from './result.js';
import { newSshKey } from '../test/ground/ssh-key.js';

/** Milliseconds of the same request both ways, medians. */
export type SshCost = Readonly<
  Record<string, { readonly ssh: number; readonly local: number; readonly ratio: number }>
>;

const imageMb = 64;
const socketPath = foundSocket();
const signal = () => undefined;
const docker = new Docker({ socketPath });

/** A way to an engine, and a container of it in which a command can be run. */
type Side = { readonly at: EngineAt; readonly engine: DockerodeEngine; readonly container: string };

/**
 * What a request costs over SSH, by OpenSSH's own server in a container that has the socket of this very engine, against
 * the socket itself: by turns, in one run.
 */
export async function sshCost(machineImage: string): Promise<SshCost> {
  const scratch = scratchDirectory('creel-bench-ssh-');
  const identityFile = path.join(scratch, 'id');
  fs.writeFileSync(identityFile, newSshKey(), { mode: 0o600 });
  const registry = await ImageRegistry.open();
  const sshd = await startSshd(machineImage, readPublicHalf(identityFile));
  const reference = await pushRandom(registry, scratch);
  try {
    const { NetworkSettings } = await sshd.inspect();
    const address = NetworkSettings.Networks['bridge']?.IPAddress ?? '';
    const settings = { name: 'bench', user: 'root', address, port: 22, identityFile, socketPath: '/run/engine.sock' };
    const hostKey = await shown({ ...settings, hostKey: { type: '', base64: '' } });
    const host = new RemoteHost({ ...settings, hostKey }, { signal });
    const side = (at: EngineAt): Side => ({ at, engine: new DockerodeEngine(at), container: sshd.id });
    const [ssh, local] = [side(host.engine), side({ socketPath, signal })];
    const cost = {
      ping: await compare(200, ssh, local, ({ at }) => ping(at)),
      exec: await compare(20, ssh, local, async ({ engine, container }) => {
        await engine.exec(container, { command: ['true'], input: '', timeoutMs: 30_000 });
      }),
      [`pull of ${imageMb} MB`]: await compare(3, ssh, local, async ({ engine }) => {
        await engine.pullImage(reference, () => undefined);
        return () => engine.removeImage(reference);
      }),
      [`load of ${imageMb} MB`]: await compare(3, ssh, local, async ({ engine }) => {
        await engine.loadImage(
          'creel-bench:random',
          fs.createReadStream(path.join(scratch, 'saved.tar')),
          () => undefined,
        );
        return () => engine.removeImage('creel-bench:random');
      }),
    };
    host.close();
    return cost;
  } finally {
    await sshd.remove({ force: true, v: true });
    await registry.close();
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/** What is done may have to be undone before it is measured again, outside of the time. */
type Measured = (side: Side) => Promise<void | (() => Promise<void>)>;

async function compare(times: number, ssh: Side, local: Side, act: Measured) {
  const taken: { ssh: number[]; local: number[] } = { ssh: [], local: [] };
  for (let time = 0; time <= times; time += 1)
    for (const [way, side] of [
      ['ssh', ssh],
      ['local', local],
    ] as const) {
      const began = performance.now();
      const undo = await act(side);
      if (time > 0) taken[way].push(performance.now() - began);
      await undo?.();
    }
  const [over, by] = [median(taken.ssh), median(taken.local)];
  return { ssh: round(over), local: round(by), ratio: ratio(over, by) };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}

async function ping(at: EngineAt): Promise<void> {
  await request(at, { what: 'ping', limitMs: 10_000 }, (engine) => engine.ping());
}

/** A container with sshd and the socket of its own engine, which a key opens as root. */
async function startSshd(image: string, publicKey: string): Promise<Docker.Container> {
  const script = `mkdir -p /run/sshd /root/.ssh && echo '${publicKey}' > /root/.ssh/authorized_keys && chmod 700 /root/.ssh && ssh-keygen -A && exec /usr/sbin/sshd -D`;
  const made = await docker.createContainer({
    name: `creel-bench-sshd-${randomBytes(3).toString('hex')}`,
    Image: image,
    Entrypoint: ['/bin/sh', '-c', script],
    HostConfig: { Binds: [`${socketPath}:/run/engine.sock`] },
  });
  await made.start();
  return made;
}

async function shown(settings: Parameters<typeof readShownKey>[0]) {
  for (let tries = 0; ; tries += 1)
    try {
      return await readShownKey(settings);
    } catch (error) {
      if (tries > 100) throw error;
      await sleep(100);
    }
}

/** An image of one layer that nobody else has, in a registry and as a file, and by then no more on the engine. */
async function pushRandom(registry: ImageRegistry, scratch: string): Promise<string> {
  const pack = tar.pack();
  pack.entry({ name: 'random' }, randomBytes(imageMb * 1024 * 1024));
  pack.finalize();
  const repo = registry.repository;
  const layer = Readable.from(pack, { objectMode: false });
  await buffer(await docker.importImage(layer, { repo, tag: 'random' }));
  const authconfig = { username: '', password: '' };
  await buffer(await docker.getImage(`${repo}:random`).push({ authconfig }));
  const { RepoDigests } = await docker.getImage(`${repo}:random`).inspect();
  await docker.getImage(`${repo}:random`).tag({ repo: 'creel-bench', tag: 'random' });
  const saved = Readable.from(await docker.getImage('creel-bench:random').get(), { objectMode: false });
  await pipeline(saved, fs.createWriteStream(path.join(scratch, 'saved.tar')));
  for (const name of ['creel-bench:random', `${repo}:random`]) await docker.getImage(name).remove();
  const [reference] = RepoDigests;
  if (reference === undefined) throw new Error('what was pushed has no digest');
  await docker
    .getImage(reference)
    .remove()
    .catch(() => undefined); // An engine may have let it go with the tag.
  return reference;
}
