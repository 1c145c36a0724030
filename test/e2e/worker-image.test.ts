import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import Dockerode from 'dockerode';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boxed } from '../ground/boxed.js';
import { foundSocket } from '../ground/found.js';
import { Installation, pack } from '../ground/installation.js';
import { testCatalogue } from '../ground/real-ground.js';
import { TestServer } from '../ground/server.js';

/** The image of packaging/Dockerfile, made of what npm installs, and a worker in it beside this machine's engine. */
const docker = new Dockerode({ socketPath: foundSocket() });
const name = `creel-worker-${randomBytes(4).toString('hex')}`;
const image = `creel/worker:test-${name}`;
const installed = new Installation(process.execPath);
const catalogue = path.join(installed.root, 'catalogue.toml');
const release = '2026.9.6';

let server: TestServer;
let deployment: string | undefined;
beforeAll(async () => {
  const [tarball, started] = await Promise.all([pack(installed.root), TestServer.start()]);
  server = started;
  await installed.install(tarball);
  await execa(process.execPath, ['scripts/worker-image.mjs', '--installed', installed.prefix, '--tag', image]);
  const lines = testCatalogue().map((each) => `[[release]]\nversion = "${each.version}"\nimage = "${each.image}"`);
  fs.writeFileSync(catalogue, lines.map((line) => `${line}\ndev = true\n`).join(''), { mode: 0o644 });
  fs.chmodSync(installed.root, 0o755);
});
afterAll(async () => {
  await clear();
  await server?.stop();
  installed.remove();
});

/** Removes whatever a failed test left, containers before what they hold. */
async function clear(): Promise<void> {
  for (const each of [name, `${name}-once`]) await gone(docker.getContainer(each).remove({ force: true }));
  for (const { kind, id } of await left()) {
    if (kind === 'container') await gone(docker.getContainer(id).remove({ force: true }));
    else if (kind === 'network') await gone(docker.getNetwork(id).remove());
    else await gone(docker.getVolume(id).remove());
  }
  await gone(docker.getVolume(name).remove());
  await gone(docker.getImage(image).remove({ force: true }));
}

const gone = (removed: Promise<unknown>) => removed.catch(() => undefined);

/** What the engine holds of the deployment, containers first. */
async function left(): Promise<{ kind: string; id: string }[]> {
  if (deployment === undefined) return [];
  const filters = { label: [`creel.deployment=${deployment}`] };
  const [containers, networks, { Volumes: volumes }] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ]);
  return [
    ...containers.map(({ Id: id }) => ({ kind: 'container', id })),
    ...networks.map(({ Id: id }) => ({ kind: 'network', id })),
    ...volumes.map(({ Name: id }) => ({ kind: 'volume', id })),
  ];
}

/** As README tells to run it: no rights, nothing writable but its volume, the engine's socket, the machine's own network. */
function created(as: string, Cmd: string[]) {
  const settings = {
    TEMPORAL_ADDRESS: server.address,
    CREEL_CATALOGUE: '/etc/creel/catalogue.toml',
    CREEL_DOCKER: 'unix:///var/run/docker.sock',
    CREEL_SUBNET_POOL: '10.216.0.0/20',
    CREEL_FIRST_PORT: '26000',
  };
  const own = boxed(String(fs.statSync(foundSocket()).gid), name, foundSocket());
  const HostConfig = { ...own, Binds: [...own.Binds, `${catalogue}:/etc/creel/catalogue.toml:ro`] };
  const Env = Object.entries(settings).map((pair) => pair.join('='));
  return docker.createContainer({ name: as, Image: image, Cmd, Env, HostConfig });
}

/** Runs a command in the image to its end, and answers what it said. */
async function once(...Cmd: string[]): Promise<{ code: number; said: string }> {
  const container = await created(`${name}-once`, Cmd);
  await container.start();
  const { StatusCode: code }: { StatusCode: number } = await container.wait();
  const said = await saidBy(container);
  await container.remove();
  return { code, said };
}

/** What a container has said: the engine puts eight bytes before each piece, of which four are its length. */
async function saidBy(container: Dockerode.Container): Promise<string> {
  const pieces = await container.logs({ stdout: true, stderr: true });
  let said = '';
  for (let at = 0; at + 8 <= pieces.length; at += 8 + pieces.readUInt32BE(at + 4))
    said += pieces.toString('utf8', at + 8, at + 8 + pieces.readUInt32BE(at + 4));
  return said;
}

describe('the image of the worker', () => {
  it('is not root, has its own platform alone, and says which creel it is', async () => {
    const { Config, Size } = await docker.getImage(image).inspect();
    expect(Config).toMatchObject({ User: '10001:10001', Entrypoint: ['creel'], Cmd: ['worker'] });
    expect(Size).toBeLessThan(400 * 1024 ** 2);
    const own = (await installed.creel(['--version'])).stdout;
    expect(await once('--version')).toEqual({ code: 0, said: `${own}\n` });
  });

  it('is a worker that serves a real gateway of this machine’s engine, and ends when it is stopped', async () => {
    const made = await once('init', '--json');
    ({ deployment } = JSON.parse(made.said));
    const worker = await created(name, []);
    await worker.start();
    await expect.poll(() => saidBy(worker), { timeout: 60_000 }).toContain('the worker is ready');
    const creel = (...args: string[]) => installed.creel(args, { TEMPORAL_ADDRESS: server.address });
    const provisioned = await creel('provision', 'boxed', '--release', release, '--dev', '--fence', 'off');
    expect(provisioned.exitCode, `${provisioned.all}\n${await saidBy(worker)}`).toBe(0);
    expect(await creel('describe', 'boxed')).toMatchObject({ exitCode: 0 });
    expect((await left()).map(({ kind }) => kind)).toEqual(['container', 'network', 'volume']);
    expect(await creel('remove', 'boxed', '--purge', '--yes', 'boxed')).toMatchObject({ exitCode: 0 });
    expect(await left()).toEqual([]);
    await worker.stop({ t: 60 });
    expect((await worker.inspect()).State).toMatchObject({ ExitCode: 0, OOMKilled: false });
  });
});
