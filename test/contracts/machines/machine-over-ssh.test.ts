import fs from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import ssh2 from 'ssh2';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { DockerodeEngine } from '../../../src/adapters/docker/engine.js';
import { LightsailMachines } from '../../../src/adapters/lightsail/machine-provider.js';
import { pullLogin } from '../../../src/adapters/registries/pull-logins.js';
import { relayFor } from '../../../src/adapters/registries/relay.js';
import { RemoteHost } from '../../../src/adapters/ssh/remote-host.js';
import { ContainerBody } from '../../../src/dev/lightsail/container-body.js';
import { LightsailStandIn } from '../../../src/dev/lightsail/stand-in.js';
import { createActivities } from '../../../src/activities/activities.js';
import { NotYet } from '../../../src/domain/errors.js';
import { fleetKey } from '../../../src/domain/hosts/fleet-key.js';
import { launchMarker, launchScript } from '../../../src/domain/hosts/launch-script.js';
import { machineNames, type MachineAt } from '../../../src/domain/hosts/machine.js';
import { placeFor } from '../../../src/domain/hosts/place.js';
import { foundSocket } from '../../ground/found.js';
import { patienceMs } from '../../ground/patience.js';
import { writeLogin } from '../../ground/registries/docker-login.js';
import { ImageRegistry } from '../../ground/registries/image-registry.js';
import { pushRandom } from '../../ground/registries/pushed-image.js';
import { openTestWorld } from '../../world/open-test-world.js';
import { removeScratch, scratchDirectory } from '../../world/scratch.js';
import { hostContract } from '../host-contract.js';
import { useStandIn } from './lightsail-hand.js';
import { deployment, mark, orderOf, persist, region } from './machine-contract.js';

const place = { provider: 'local', host: 'machine' } as const;
const directory = scratchDirectory('creel-machine-');
const identityFile = path.join(directory, 'id');
const own = keyPair();
const fleet = fleetKey('b', own.public);
const fence = { pool: '10.213.0.0/16', exceptions: [] };
const at: MachineAt = { mark, region };
const other: MachineAt = { mark: { ...mark, gateway: 'g43' }, region };

let standIn: LightsailStandIn;
let body: ContainerBody;
let provider: LightsailMachines;
const hosts: RemoteHost[] = [];

beforeAll(async () => {
  fs.writeFileSync(identityFile, own.private, { mode: 0o600 });
  const { stdout } = await execa(process.execPath, ['scripts/machine-image.mjs']);
  const image = /creel\/machine:\w+/.exec(stdout)?.[0] ?? '';
  body = new ContainerBody({ socketPath: foundSocket(), image, owner: path.basename(directory) });
  standIn = await LightsailStandIn.open({ directory, body });
  useStandIn(standIn);
  provider = new LightsailMachines(() => undefined);
}, 900_000);
afterEach(() => {
  for (const host of hosts.splice(0)) host.close();
});
afterAll(async () => {
  for (const id of await body.list()) await body.delete(id);
  vi.unstubAllEnvs();
  await standIn.close();
  removeScratch();
});

/** Some of the pairs that ssh2 makes are malformed, and read by nobody. */
function keyPair(): { readonly private: string; readonly public: string } {
  const made = ssh2.utils.generateKeyPairSync('ed25519');
  return ssh2.utils.parseKey(made.private) instanceof Error ? keyPair() : made;
}

/** Orders a machine and waits until its launch script has prepared it. */
async function prepared(where: MachineAt): Promise<RemoteHost> {
  const key = await provider.ensureFleetKey(region, deployment, fleet);
  const machine = machineNames(where.mark).machine;
  const order = { ...(await orderOf(provider)), key, launchScript: launchScript({ machine, fence }) };
  await persist(() => provider.ensureMachine(where, order));
  const host = await reached(where);
  const id = standIn.bodyOf(region, machine);
  await persist(async () => {
    if ((await body.read(id, launchMarker)) !== `${machine}\n`) throw new NotYet(`${machine} is not prepared`);
  });
  return host;
}

/** The way to a machine, by the host key that the seller tells. */
async function reached(where: MachineAt): Promise<RemoteHost> {
  const { address, login } = await persist(() => provider.probeMachine(where));
  const [hostKey] = await persist(() => provider.readHostKeys(where));
  if (!hostKey) throw new Error('no host key');
  const settings = { name: 'machine', user: login, address, port: 22, hostKey, identityFile };
  const host = new RemoteHost({ ...settings, socketPath: '/var/run/docker.sock' }, { signal: () => undefined });
  hosts.push(host);
  return host;
}

const engineOf = async (host: RemoteHost) => (await persist(() => host.readHost(place))).engineId;

/** Something on the machine listens on a port of its loopback, until it is let go: both are over when they are said to be. */
async function listenOn(id: string, port: number): Promise<() => Promise<void>> {
  const said = `/run/listens-${port}`;
  const listen = `IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => ${port}, Listen => 5) or die`;
  const program = `$s = ${listen}; open($f, ">", "${said}"); print $f $$; close $f; sleep`;
  const begin = `setsid perl -MIO::Socket::INET -e '${program}' >/dev/null 2>&1 &`;
  await body.run(id, ['sh', '-c', `${begin} while ! [ -s ${said} ]; do sleep 0.05; done`]);
  const end = `p=$(cat ${said}); kill "$p"; while kill -0 "$p" 2>/dev/null; do sleep 0.05; done`;
  return async () => void (await body.run(id, ['sh', '-c', end]));
}

describe('a machine of Lightsail’s stand-in that is a container (K-1)', () => {
  test('prepares itself, is reached over SSH by its pinned key, and each has an engine of its own', async () => {
    const [one, two] = await Promise.all([prepared(at), prepared(other)]);
    const facts = await persist(() => one.readHost(place));
    expect(facts.engine).toMatchObject({ product: 'Docker', os: 'linux', mode: 'root' });
    expect(facts.engineId).not.toBe(await engineOf(two));
    expect(await engineOf(await reached(at))).toBe(facts.engineId);
    await persist(() => provider.removeMachine(other));
    expect(await engineOf(one)).toBe(facts.engineId);
  });

  test('is the same one after its power was lost, and its launch script does not run again', async () => {
    const host = await prepared(at);
    const before = await persist(() => host.readHost(place));
    const id = standIn.bodyOf(region, machineNames(mark).machine);
    const address = await body.address(id);
    await body.kill(id);
    await expect(host.readHost(place)).rejects.toMatchObject({ name: 'NotYet' });
    await body.create({ id: 'next', name: 'next', launchScript: '', login: 'admin', keys: [], memoryMb: 2, diskGb: 1 });
    await body.start('next');
    await body.start(id);
    expect(await body.address(id), 'nobody took it meanwhile').toBe(address);
    await body.delete('next');
    const again = await reached(at);
    const after = await persist(() => again.readHost(place));
    expect(after.engineId).toBe(before.engineId);
    expect(Date.parse(after.upSince ?? '')).toBeGreaterThan(Date.parse(before.upSince ?? ''));
    const log = await body.read(id, '/var/log/cloud-init-output.log');
    expect(log?.match(/is prepared/g)).toHaveLength(1);
  });

  test('whose address never comes is refused within its budget with what was missing, and goes without a trace', async () => {
    const world = openTestWorld();
    const paces = { ...standIn.paces };
    standIn.paces = { ...paces, addressMs: 3_600_000 };
    try {
      const { machines } = world.deps;
      const sold = machines && {
        ...machines,
        provider,
        fleetKey: () => fleet,
        fleetKeys: () => [fleet],
        bootMs: 5_000,
      };
      const activities = createActivities({ ...world.deps, machines: sold });
      const wish = { provider: 'lightsail', region } as const;
      const { mark: whose, spec, place: here, ...rest } = world.gateway('g44');
      const own = { ...rest, mark: whose, place: placeFor(whose, wish, here), spec: { ...spec, machine: wish } };
      const { machine } = machineNames(whose);
      await persist(() => activities.ensureMachine(own));
      const began = Date.now();
      await expect(activities.probeMachine(own)).rejects.toThrow(
        new RegExp(`machine ${machine} is not ready; .*${machine} in ${region} runs and has no address yet`),
      );
      expect(Date.now() - began).toBeLessThan(5_000 + patienceMs / 2);
      const id = standIn.bodyOf(region, machine);
      expect(await body.list()).toContain(id);
      await persist(() => activities.removeMachine(own));
      expect(await body.list()).not.toContain(id);
      expect((await standIn.costing()).map(({ name }) => name)).not.toContain(machine);
    } finally {
      standIn.paces = paces;
      world.close();
    }
  });

  test('is waited for while it is frozen, and is the same one when it thaws', async () => {
    const host = await prepared(at);
    const before = await engineOf(host);
    const id = standIn.bodyOf(region, machineNames(mark).machine);
    await body.freeze(id);
    await expect(host.readHost(place)).rejects.toMatchObject({ name: 'NotYet' });
    await body.thaw(id);
    expect(await engineOf(host)).toBe(before);
  });
});

test('a key that opens the engine and ports alone, as README writes its line, is enough for both; the host is not asked', async () => {
  await prepared(at);
  const id = standIn.bodyOf(region, machineNames(mark).machine);
  const [, restricted = ''] = /The line may begin with `([^`]+)`/.exec(fs.readFileSync('README.md', 'utf8')) ?? [];
  expect(restricted).toContain('restrict');
  await body.run(id, ['sh', '-c', `sed -i 's#^ssh-#${restricted} ssh-#' /home/*/.ssh/authorized_keys`]);
  try {
    const host = await reached(at);
    expect(await persist(() => host.readHost(place))).toMatchObject({
      engine: { product: 'Docker' },
      availableMemoryMb: undefined,
      freeDiskBytes: undefined,
      routes: undefined,
    });
    const free = await listenOn(id, 19_100);
    expect(await host.isPortTaken(place, 19_100)).toBe(true);
    await free();
  } finally {
    await body.run(id, ['sh', '-c', "sed -i 's#^.* ssh-#ssh-#' /home/*/.ssh/authorized_keys"]);
  }
}, 120_000);

test('a machine that reaches no registry pulls through its worker, by no login of its own (S0-21)', async () => {
  const worker = { username: 'creel', password: 'only-the-worker-knows' };
  const registry = await ImageRegistry.open(worker);
  const reference = await pushRandom(registry, worker);
  vi.stubEnv('DOCKER_CONFIG', writeLogin(scratchDirectory('creel-login-'), registry.repository, worker));
  const host = await prepared(at);
  const itself = new DockerodeEngine({ ...host.engine, login: pullLogin });
  await expect(itself.pullImage(reference, () => undefined)).rejects.toThrow('connection refused');
  const engine = new DockerodeEngine({ ...host.engine, ...relayFor('worker', host) });
  await engine.pullImage(reference, () => undefined);
  expect(await engine.findImage(reference)).toMatchObject({ labels: { 'creel.test': 'relayed' } });
  await registry.close();
}, 120_000);

let contracted: readonly RemoteHost[] = [];

describe('as a host', () => {
  beforeAll(async () => {
    contracted = [await prepared(at), await reached(at)];
    hosts.length = 0; // They are for all tests.
  });
  afterAll(() => {
    for (const host of contracted) host.close();
  });

  hostContract('K-1: a machine of Lightsail’s stand-in', () => {
    const [host, again] = contracted;
    if (!host || !again) throw new Error('no machine was prepared');
    const id = standIn.bodyOf(region, machineNames(mark).machine);
    return { host, again, occupyPort: (port) => listenOn(id, port) };
  });
});

test('a machine goes with all that is in it, and then nothing costs', async () => {
  await prepared(at);
  await persist(() => provider.removeMachine(at));
  expect(await body.list()).toEqual([]);
  expect(await standIn.costing()).toEqual([]);
});
