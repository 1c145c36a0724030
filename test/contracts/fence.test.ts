import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ContainerBody } from '../../src/dev/lightsail/container-body.js';
import { exceptionFrom, fenceScript, unfenceScript } from '../../src/domain/hosts/fence.js';
import { removeScratch, scratchDirectory } from '../world/scratch.js';
import { foundSocket } from '../ground/found.js';

const [host, neighbour] = ['fenced', 'neighbour'];
const database = '10.20.0.5';
const somewhere = '203.0.113.7';
const fence = { pool: '10.213.0.0/16', exceptions: [exceptionFrom(`${database}:5432`)] };
const gateways = [
  { name: 'gateway-a', subnet: '10.213.0.0/28', address: '10.213.0.2', port: 19_100 },
  { name: 'gateway-b', subnet: '10.213.0.16/28', address: '10.213.0.18', port: 19_101 },
] as const;
const [first, second] = gateways;

/** Listens on ports of every address, and lets go of whoever comes. */
const listens = (...ports: number[]) =>
  `use IO::Socket::INET; use IO::Select; my $all = IO::Select->new(map { IO::Socket::INET->new(LocalPort => $_, Listen => 9, ReuseAddr => 1) or die $@ } ${ports.join(', ')}); while (1) { $_->accept->close for $all->can_read }`;

/** Says of every address and port whether somebody answers there. */
const knocks = (from = '') =>
  `use IO::Socket::INET; for (@ARGV) { my ($host, $port) = split /:/; print "$_ ", (IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => 2${from}) ? "open" : "shut"), "\\n" }`;

let body: ContainerBody;
let at: { readonly host: string; readonly neighbour: string };

/** A host with two gateways, each on a network of its own, and a machine beside it that holds a database and a public address. */
beforeAll(async () => {
  const { stdout } = await execa(process.execPath, ['scripts/machine-image.mjs']);
  const image = /creel\/machine:\w+/.exec(stdout)?.[0] ?? '';
  body = new ContainerBody({
    socketPath: foundSocket(),
    image,
    owner: path.basename(scratchDirectory('creel-fence-')),
  });
  const [here, there] = await Promise.all([boot(host), boot(neighbour)]);
  at = { host: here, neighbour: there };
  await vi.waitUntil(async () => /^\d/.test(await on(host, 'docker version -f {{.Server.Version}}')), {
    timeout: 60_000,
  });
  await on(
    host,
    'tar -C / -ch usr/bin/perl $(ldd /usr/bin/perl | grep -o "/lib[^ ]*" | cut -c2-) usr/lib/*-linux-gnu/perl-base | docker import - small',
  );
  for (const { name, subnet, address, port } of gateways) {
    await on(host, `docker network create --subnet ${subnet} ${name}`);
    const run = `docker run -d --name ${name} --network ${name} --ip ${address} -p 127.0.0.1:${port}:18789 small /usr/bin/perl -e`;
    await on(host, `${run} '${listens(18_789)}'`);
  }
  await on(host, 'ip addr add 169.254.169.254/32 dev lo'); // The metadata service of a cloud.
  await listenOn(host, 22, 80);
  for (const address of [database, somewhere]) {
    await on(neighbour, `ip addr add ${address}/32 dev lo`);
    await on(host, `ip route add ${address} via ${at.neighbour}`);
  }
  await listenOn(neighbour, 80, 5432);
  await reachThroughHost();
}, 600_000);

afterAll(async () => {
  for (const id of await body.list()) await body.delete(id);
  removeScratch();
}, 60_000);

async function boot(id: string): Promise<string> {
  await body.create({ id, name: id, login: 'ubuntu', keys: [], launchScript: 'true\n', memoryMb: 2_048, diskGb: 20 });
  await body.start(id);
  return (await body.address(id)) ?? '';
}

function on(id: string, script: string): Promise<string> {
  return body.run(id, ['sh', '-c', script]);
}

/** Carries a script out on the host, as `creel hosts rules | sudo sh` does. */
function asRoot(script: string): Promise<string> {
  return on(host, `sh <<'SCRIPT'\n${script}SCRIPT\n`);
}

/** Answers when each port does; where something listens already, by that. */
async function listenOn(id: string, ...ports: number[]): Promise<void> {
  for (const port of ports) {
    const answers = `exit !IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => ${port})`;
    const once = `until perl -MIO::Socket::INET -e '${answers}'; do sleep 0.1; done`;
    await on(id, `setsid perl -e '${listens(port)}' >/dev/null 2>&1 & ${once}`);
  }
}

/** The neighbour sends by the host what is for a gateway, and even what is for the host's loopback. */
async function reachThroughHost(): Promise<void> {
  await on(neighbour, `ip route add 10.213.0.0/16 via ${at.host}`);
  await on(neighbour, 'for each in all lo eth0; do echo 1 > /proc/sys/net/ipv4/conf/$each/route_localnet; done');
  await on(
    neighbour,
    'ip route del table local local 127.0.0.0/8 dev lo; ip route del table local local 127.0.0.1 dev lo',
  );
  await on(neighbour, `ip route replace 127.0.0.1/32 via ${at.host} dev eth0 src ${at.neighbour}`);
}

async function seen(
  id: string,
  how: string,
  from: string,
  targets: readonly string[],
): Promise<Record<string, string>> {
  const said = await on(id, `${how} perl -e '${knocks(from)}' ${targets.join(' ')}`);
  return Object.fromEntries(
    said
      .trim()
      .split(/\r?\n/)
      .map((line) => line.split(' ')),
  );
}

/** Where somebody answers a gateway. */
function seenByGateway(): Promise<Record<string, string>> {
  const inside = `nsenter -n -t $(docker inspect -f '{{.State.Pid}}' ${first.name})`;
  return seen(host, inside, '', [...forbidden(), ...allowed]);
}

/** Everything that is private, beside the gateway of somebody else. */
const forbidden = () => [
  '10.213.0.1:22',
  `${at.host}:22`,
  '169.254.169.254:80',
  `${at.neighbour}:80`,
  `${database}:80`,
];
const allowed = [`${database}:5432`, `${somewhere}:80`];
const ofAnother = `${second.address}:18789`;

/** Where somebody answers the neighbour: a gateway at its own address, and at its port on the host's loopback. */
const seenByNeighbour = async () => ({
  ...(await seen(neighbour, '', '', [`${first.address}:18789`])),
  ...(await seen(neighbour, '', `, LocalAddr => "${at.neighbour}"`, [`127.0.0.1:${first.port}`])),
});

const seenByHost = () =>
  seen(
    host,
    '',
    '',
    gateways.map(({ port }) => `127.0.0.1:${port}`),
  );

const every = (targets: readonly string[], answer: 'open' | 'shut') =>
  Object.fromEntries(targets.map((target) => [target, answer]));

async function isFenced(): Promise<void> {
  expect(await seenByGateway()).toEqual({ ...every(forbidden(), 'shut'), ...every(allowed, 'open') });
  expect(await seenByNeighbour()).toEqual(every([`${first.address}:18789`, `127.0.0.1:${first.port}`], 'shut'));
  expect(await seenByHost()).toEqual(
    every(
      gateways.map(({ port }) => `127.0.0.1:${port}`),
      'open',
    ),
  );
}

async function isOpen(): Promise<void> {
  expect(await seenByGateway()).toEqual(every([...forbidden(), ...allowed], 'open'));
  expect(Object.values(await seenByNeighbour())).toContain('open');
}

describe('the fence of a host, on an engine of its own', () => {
  it(
    'is needed: without it a gateway reaches its host and what is private, and a neighbour reaches gateways',
    isOpen,
    120_000,
  );

  it('keeps gateways in and neighbours out, as often as it is put up', async () => {
    for (const time of ['first', 'again']) {
      expect(await asRoot(fenceScript(fence)), time).toBe('');
      await isFenced();
    }
  }, 120_000);

  it('outlives a start of the engine', async () => {
    const id = await on(host, 'docker info -f {{.ID}}');
    await on(host, 'engine=$(cat /var/run/docker.pid); kill $engine; while kill -0 $engine; do sleep 0.1; done');
    await expect.poll(() => on(host, 'docker info -f {{.ID}} || true'), { timeout: 60_000 }).toBe(id);
    for (const { name } of gateways) await on(host, `docker start ${name}`);
    await isFenced();
  }, 120_000);

  it('lets no gateway reach another', async () => {
    const inside = `nsenter -n -t $(docker inspect -f '{{.State.Pid}}' ${first.name})`;
    expect(await seen(host, inside, '', [ofAnother])).toEqual({ [ofAnother]: 'shut' });
  }, 60_000);

  it('with a whole network allowed lets no gateway reach its host or another, but what else is in there', async () => {
    const exceptions = [exceptionFrom('10.0.0.0/8'), exceptionFrom(`${at.host}/24`)];
    expect(await asRoot(fenceScript({ ...fence, exceptions }))).toBe('');
    expect(await seenByGateway()).toEqual({
      ...every(forbidden(), 'open'),
      ...every(allowed, 'open'),
      ...every(['10.213.0.1:22', `${at.host}:22`, '169.254.169.254:80'], 'shut'),
    });
    const inside = `nsenter -n -t $(docker inspect -f '{{.State.Pid}}' ${first.name})`;
    expect(await seen(host, inside, '', [ofAnother])).toEqual({ [ofAnother]: 'shut' });
  }, 60_000);

  it('is gone when it was taken away, twice', async () => {
    for (const time of ['first', 'again']) expect(await asRoot(unfenceScript()), time).toBe('');
    expect(await on(host, 'iptables-save | grep -c CREEL')).toMatch(/^0/);
    await isOpen();
  }, 120_000);
});
