import fs from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import ssh2 from 'ssh2';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { DockerodeEngine } from '../../src/adapters/docker/engine.js';
import { FenceTrials } from '../../src/adapters/docker/fence-trials.js';
import { RemoteHost } from '../../src/adapters/ssh/remote-host.js';
import { ContainerBody } from '../../src/dev/lightsail/container-body.js';
import { NotYet } from '../../src/domain/errors.js';
import { exceptionFrom, fenceScript, loopbackRuleScript, unfenceScript } from '../../src/domain/hosts/fence.js';
import { fenceWord, proves, type Neighbours } from '../../src/domain/hosts/fence-trial.js';
import { slotsFor } from '../../src/domain/hosts/slot.js';
import { trialGraceMs } from '../../src/domain/thresholds.js';
import type { FenceTrial, FenceTried } from '../../src/ports/docker-engine.js';
import { foundImage, foundSocket } from '../ground/found.js';
import { patienceMs } from '../ground/patience.js';
import { removeScratch, scratchDirectory } from '../world/scratch.js';

const machine = 'fence-trial';
const reference = 'creel/openclaw:2026.9.6';
const pool = { cidr: '10.213.0.0/16', prefix: 28, firstPort: 19_100 };
const database = '10.20.0.5';
const exceptions = [exceptionFrom(`${database}:5432`)];
const directory = scratchDirectory('creel-fence-trial-');
const identityFile = path.join(directory, 'id');
const deployment = 'contract';

let body: ContainerBody;
let host: RemoteHost;
let imageId: string;

/** A host with an engine of its own, reached over SSH; it is the database too. */
beforeAll(async () => {
  const own = keyPair();
  fs.writeFileSync(identityFile, own.private, { mode: 0o600 });
  const { stdout } = await execa(process.execPath, ['scripts/machine-image.mjs']);
  const image = /creel\/machine:\w+/.exec(stdout)?.[0] ?? '';
  body = new ContainerBody({ socketPath: foundSocket(), image, owner: path.basename(directory) });
  const launchScript = 'usermod -aG docker ubuntu\n';
  await body.create({
    id: machine,
    name: machine,
    login: 'ubuntu',
    keys: [own.public],
    launchScript,
    memoryMb: 2_048,
    diskGb: 20,
  });
  await body.start(machine);
  await vi.waitUntil(async () => /^\d/.test(await asRoot('docker version -f {{.Server.Version}}')), {
    timeout: patienceMs,
  });
  await vi.waitUntil(async () => (await body.hostKeys(machine)).length > 0, { timeout: patienceMs });
  host = await reached();
  const here = new DockerodeEngine({ socketPath: foundSocket(), signal: () => undefined });
  expect(foundImage('2026.9.6')).not.toBe('');
  await engine().loadImage(reference, await here.saveImage(reference), () => undefined);
  imageId = (await engine().findImage(reference))?.id ?? '';
  await asRoot(
    `ip addr add ${database}/32 dev lo; setsid perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => 5432, Listen => 9); while (1) { $s->accept }' >/dev/null 2>&1 & until grep -q ':1538 ' /proc/net/tcp; do sleep 0.1; done`,
  );
}, 900_000);
afterEach(async () => {
  await asRoot(unfenceScript());
});
afterAll(async () => {
  host?.close();
  for (const id of await body.list()) await body.delete(id);
  removeScratch();
});

/** Some of the pairs that ssh2 makes are malformed, and read by nobody. */
function keyPair(): { readonly private: string; readonly public: string } {
  const made = ssh2.utils.generateKeyPairSync('ed25519');
  return ssh2.utils.parseKey(made.private) instanceof Error ? keyPair() : made;
}

async function reached(): Promise<RemoteHost> {
  const [key] = await body.hostKeys(machine);
  const address = (await body.address(machine)) ?? '';
  const hostKey = { type: key?.algorithm ?? '', base64: key?.publicKey ?? '' };
  const settings = { name: machine, user: 'ubuntu', address, port: 22, hostKey, identityFile };
  return new RemoteHost({ ...settings, socketPath: '/var/run/docker.sock' }, { signal: () => undefined });
}

function asRoot(script: string): Promise<string> {
  return body.run(machine, ['sh', '-c', script]);
}

function engine(signal?: AbortSignal): DockerodeEngine {
  return new DockerodeEngine({ ...host.engine, signal: () => signal });
}

function trials(): FenceTrials {
  return new FenceTrials({ ...host.engine, signal: () => undefined });
}

function* subnets(): Generator<string> {
  for (const { subnet } of slotsFor(pool, 'fence')) yield subnet;
}

const trial = (): FenceTrial => ({ deployment, imageId, subnets: subnets(), exceptions });
const wordOf = ({ knocked }: FenceTried, neighbours: Neighbours = 'engine') =>
  fenceWord({ at: 1, knocked, neighbours });
const left = () =>
  asRoot(
    'docker ps -aq --filter label=creel.fence; docker network ls -q --filter label=creel.fence; docker ps -aq --filter name=creel-fence',
  );

describe('a trial of the fence around gateways (row 72)', () => {
  it(
    'without rules says what gateways reach, and leaves nothing',
    async () => {
      const tried = await engine().tryFence(trial());
      expect(wordOf(tried).open).toEqual(expect.arrayContaining(['the host itself']));
      expect(tried.knocked.filter(({ ground }) => ground === 'host').map(proves)).not.toContain('shut');
      expect(await left()).toBe('');
    },
    patienceMs,
  );

  it(
    'with the rules says that every forbidden address is shut and every allowed one open; without them again it is red',
    async () => {
      expect(await asRoot(fenceScript({ pool: pool.cidr, exceptions }))).toBe('');
      const tried = await engine().tryFence(trial());
      const shown = tried.knocked.map((each) => `${each.ground} ${each.address} ${proves(each)}`);
      expect(wordOf(tried), shown.join('\n')).toEqual({ at: 1, open: [], untold: [] });
      for (const each of tried.knocked)
        expect(each.gateway === 'open', JSON.stringify(each)).toBe(each.ground === 'allowed');
      expect(tried.knocked.filter(({ ground }) => ground === 'allowed')).toHaveLength(1);
      await asRoot(unfenceScript());
      expect(wordOf(await engine().tryFence(trial())).open).toContain('the host itself');
    },
    patienceMs,
  );

  it(
    'the rule for loopback is read as root, and is unseen by whoever may not',
    async () => {
      const ask = () => asRoot(loopbackRuleScript);
      expect((await ask()).trim()).toBe('missing');
      expect(await host.findLoopbackRule()).toBeUndefined();
      await asRoot(fenceScript({ pool: pool.cidr, exceptions }));
      expect((await ask()).trim()).toBe('there');
    },
    patienceMs,
  );

  it(
    'that is cancelled takes away what it made',
    async () => {
      const ending = new AbortController();
      const trying = engine(ending.signal).tryFence(trial());
      await expect.poll(() => asRoot('docker ps -q --filter label=creel.fence'), { timeout: patienceMs }).not.toBe('');
      ending.abort(new Error('cancelled'));
      await expect(trying).rejects.toThrow('cancelled');
      expect(await left()).toBe('');
    },
    patienceMs,
  );

  it(
    'lets no other begin beside it, and what a killed one left goes once its time is over',
    async () => {
      const lost = engine().tryFence(trial());
      await expect
        .poll(() => asRoot('docker ps -q --filter name=creel-fence-contract-host'), { timeout: patienceMs })
        .not.toBe('');
      expect(await trials().removeLeft(deployment)).toEqual([]);
      await expect(engine().tryFence(trial())).rejects.toThrow(NotYet);
      await lost;
      await asRoot(
        `docker network create --label creel.fence=${deployment} creel-fence-${deployment}-other; for role in host other; do docker run -d --label creel.fence=${deployment} --name creel-fence-${deployment}-$role ${reference} true; done`,
      );
      await expect.poll(() => asRoot('docker ps -q --filter label=creel.fence'), { timeout: patienceMs }).toBe('');
      const seen = await engine().listTrials(deployment);
      expect(seen.map(({ kind, name }) => `${kind} ${name.split('-').at(-1)}`).toSorted()).toEqual([
        'container host',
        'container other',
        'network other',
      ]);
      for (const { createdAt } of seen) expect(Math.abs(Date.now() - createdAt)).toBeLessThan(trialGraceMs);
      expect((await trials().removeLeft(deployment)).toSorted()).toEqual(
        ['host', 'other', 'other'].map((role) => `creel-fence-${deployment}-${role}`),
      );
      expect(await left()).toBe('');
    },
    patienceMs,
  );
});
