import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DockerodeEngine } from '../../../src/adapters/docker/engine.js';
import { PullProgress } from '../../../src/adapters/docker/pull.js';
import { Demultiplexer } from '../../../src/adapters/docker/stream.js';
import { NotYet, Refused, StartOver } from '../../../src/domain/errors.js';
import { ScriptedEngine, type Scripted } from '../../ground/engines/scripted-engine.js';

/** Answers as engines of other versions word them, and streams that a real registry would have to fail for. */
const script = new ScriptedEngine();
let engine: DockerodeEngine;
beforeAll(async () => {
  await script.open();
  engine = new DockerodeEngine({ socketPath: script.socketPath, signal: () => undefined });
});
afterAll(() => script.close());

const says = (status: number, message: string) => {
  script.answer = () => ({ status, body: { message } });
};

describe('starting', () => {
  test.each([
    [
      500,
      'driver failed programming external connectivity on endpoint x: Bind for 127.0.0.1:1 failed: port is already allocated',
    ],
    [
      500,
      'failed to set up container networking: failed to bind host port for 127.0.0.1:1:172.18.0.2:1/tcp: address already in use',
    ],
    [
      500,
      'Ports are not available: exposing port TCP 127.0.0.1:1 -> 0.0.0.0:0: listen tcp 127.0.0.1:1: bind: address already in use',
    ],
  ])('%i %s: port taken', async (status, message) => {
    says(status, message);
    expect(await engine.startContainer('c')).toBe('port taken');
  });

  test('304: it runs', async () => {
    says(304, '');
    expect(await engine.startContainer('c')).toBe('running');
  });

  test('another 500 is an error with the engine’s words', async () => {
    says(500, 'OCI runtime create failed: no such device');
    await expect(engine.startContainer('c')).rejects.toThrow(
      'docker engine, start container c: 500 OCI runtime create failed',
    );
  });

  test('404 for a network: the list is read again from the top', async () => {
    says(404, 'network oc-g42-7k3fq2 not found');
    await expect(engine.startContainer('c')).rejects.toThrow(StartOver);
  });
});

describe('a full disk is refused, saying where and what now:', () => {
  const volume = { name: 'v', labels: {} };
  const file = { path: 'x', content: '', mode: 0o600, uid: 1000 };
  const writer = { name: 'w', labels: {}, imageId: 'i', volume: 'v', target: '/t' };
  const asks: Readonly<Record<string, () => Promise<unknown>>> = {
    'making a volume': () => engine.createVolume(volume),
    'making a network': () => engine.createNetwork({ name: 'n', labels: {}, subnet: '10.0.0.0/28' }),
    'making a container': () => engine.createWriter(writer),
    'starting it': () => engine.startContainer('c'),
    'renaming it': () => engine.renameContainer('c', 'd'),
    'writing into it': () => engine.writeFiles('c', '/t', [file]),
    'changing its restart policy': () => engine.setRestartPolicy('c', 'no'),
    'running a command in it': () => engine.exec('c', { command: ['true'], input: '', timeoutMs: 5_000 }),
  };
  const found: Scripted = { status: 200, body: { Name: 'v', Labels: {} } };

  test.each(Object.entries(asks))('%s', async (_what, asked) => {
    const message = 'mkdir /var/lib/docker/x: no space left on device';
    script.answer = (request) => (request === 'GET /volumes/v' ? found : { status: 500, body: { message } });
    await expect(asked()).rejects.toThrow(Refused);
    await expect(asked()).rejects.toThrow(/no room on its host .*no space left on device.*Free disk there/);
  });
});

test.each([
  [
    400,
    'NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted',
    /runbook\.md#engine-unfit$/,
  ],
  [
    500,
    'OCI runtime create failed: unable to apply cgroup configuration: controller cpu is not available',
    /runbook\.md#engine-unfit$/,
  ],
  [400, 'Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available', /Ask for fewer processors/],
])('a limit that the engine cannot keep (%i %s) is refused with what helps', async (status, message, cure) => {
  const found: Scripted = { status: 200, body: { Name: 'v', Labels: {} } };
  script.answer = (request) => (request === 'GET /volumes/v' ? found : { status, body: { message } });
  const made = engine.createWriter({ name: 'w', labels: {}, imageId: 'i', volume: 'v', target: '/t' });
  await expect(made).rejects.toThrow(Refused);
  await expect(made).rejects.toThrow(cure);
});

describe('networks', () => {
  const network = { name: 'n', labels: {}, subnet: '10.0.0.0/28' };

  test.each([
    [403, 'Pool overlaps with other one on this address space'],
    [403, 'invalid pool request: Pool overlaps with other one on this address space'],
    [403, 'cannot create network x (br-x): conflicts with network y (br-y): networks have overlapping IPv4'],
  ])('%i %s: subnet taken', async (status, message) => {
    says(status, message);
    expect(await engine.createNetwork(network)).toBe('subnet taken');
  });

  test('409: name taken', async () => {
    says(409, 'network with name n already exists');
    expect(await engine.createNetwork(network)).toBe('name taken');
  });

  test('any other 403 is refused', async () => {
    says(403, 'authorization denied by plugin');
    await expect(engine.createNetwork(network)).rejects.toThrow(Refused);
  });
});

describe('answers are read by a form; one that does not fit is refused in one sentence, at once:', () => {
  const answer = (request: string, body: unknown) => {
    script.answer = (asked) => (asked === request ? { status: 200, body } : { status: 404, body: { message: 'x' } });
  };

  test('an image without Config (containerd store), naming what brings it back', async () => {
    answer('GET /images/creel:1/json', { Id: 'sha256:1', RepoTags: ['creel:1'] });
    const found = engine.findImage('creel:1');
    await expect(found).rejects.toThrow(Refused);
    await expect(found).rejects.toThrow(
      /cannot read the answer \(Config: .*docker image rm creel:1.*#engine-not-understood/,
    );
  });

  test.each([
    ['container', 'GET /containers/c/json', () => engine.findContainer('c'), { Id: 'c', Name: '/c' }],
    ['process', 'GET /containers/c/json', () => engine.findProcess('c'), { Id: 'c', Name: '/c', Config: null }],
    ['volume', 'GET /volumes/v', () => engine.findVolume('v'), []],
    ['network', 'GET /networks', () => engine.findNetworks('n'), { Id: 'n' }],
    ['list', 'GET /volumes', () => engine.listMarked(), { Volumes: 'none' }],
  ])('%s', async (_kind, request, ask, body) => {
    script.answer = (asked) => ({ status: 200, body: asked === request ? body : [] });
    await expect(ask()).rejects.toThrow(Refused);
    await expect(ask()).rejects.toThrow(/creel cannot read the answer .*runbook\.md#engine-not-understood$/);
  });

  test('parts that engines leave out or give as null are no misfit', async () => {
    answer('GET /networks', [{ Id: 'n1', Name: 'n', Labels: null, IPAM: { Config: null } }]);
    expect(await engine.findNetworks('n')).toEqual([{ id: 'n1', name: 'n', labels: {}, subnets: [] }]);
    answer('GET /volumes/v', { Name: 'v' });
    expect(await engine.findVolume('v')).toEqual({ name: 'v', labels: {} });
  });
});

test.each([
  ['a network', () => engine.createNetwork({ name: 'n', labels: {}, subnet: '10.0.0.0/28' })],
  ['a start', () => engine.startContainer('c')],
])('firewall chains that somebody flushed refuse %s, saying that the engine wants a restart', async (_what, ask) => {
  says(
    500,
    'Failed to Setup IP tables: Unable to enable SKIP DNAT rule:  (iptables failed: iptables --wait -t nat -I DOCKER -i br-0 -j RETURN: iptables: No chain/target/match by that name.\n (exit status 1))',
  );
  await expect(ask()).rejects.toThrow(Refused);
  await expect(ask()).rejects.toThrow(/firewall.*systemctl restart docker.*runbook\.md#firewall-flushed/s);
});

test('many requests at once under one cancellation say nothing on stderr', async () => {
  const warnings: Error[] = [];
  const hear = (warning: Error) => warnings.push(warning);
  process.on('warning', hear);
  const { signal } = new AbortController();
  const cancellable = new DockerodeEngine({ socketPath: script.socketPath, signal: () => signal });
  says(404, 'no such volume');
  await Promise.all(Array.from({ length: 30 }, (_, index) => cancellable.findVolume(`v${index}`)));
  await new Promise(setImmediate);
  process.off('warning', hear);
  expect(warnings).toEqual([]);
});

describe('removing', () => {
  test('a removal that is under way already is not over yet', async () => {
    says(409, 'removal of container c is already in progress');
    await expect(engine.removeContainer('c')).rejects.toThrow(NotYet);
  });

  test('a volume in use is named with its user', async () => {
    says(409, 'remove v: volume is in use - [abc]');
    await expect(engine.removeVolume('v')).rejects.toThrow('volume v is in use: remove v: volume is in use - [abc]');
  });
});

test('progress is one sentence over all layers, however the lines are cut', () => {
  const progress = new PullProgress('registry.example/openclaw');
  const layer = (id: string, current: number, total: number) =>
    JSON.stringify({ status: 'Downloading', id, progressDetail: { current, total } });
  const lines = `${layer('a', 100e6, 400e6)}\r\n${layer('b', 23e6, 56e6)}\r\n${JSON.stringify({ id: 'c', progressDetail: {} })}\r\n`;
  for (const character of lines) progress.take(Buffer.from(character));
  expect(progress.sentence()).toBe('pulling 123 of 456 MB');
});

test('the two streams of a command are told apart, however the frames are cut', () => {
  const frame = (stream: number, text: string) => {
    const header = Buffer.alloc(8);
    header.writeUInt8(stream, 0);
    header.writeUInt32BE(Buffer.byteLength(text), 4);
    return Buffer.concat([header, Buffer.from(text)]);
  };
  const all = Buffer.concat([frame(1, 'grü'), frame(2, 'warning\n'), frame(1, ''), frame(1, 'ße\n')]);
  for (const size of [1, 3, 7, 11, all.length]) {
    const demultiplexer = new Demultiplexer('cat', 1000);
    for (let at = 0; at < all.length; at += size) demultiplexer.take(all.subarray(at, at + size));
    expect(demultiplexer.output()).toEqual({ stdout: 'grüße\n', stderr: 'warning\n' });
    expect(demultiplexer.merged()).toBe('grüwarning\nße\n');
  }
});

describe('pulling', () => {
  const reference = `registry.example/openclaw@sha256:${'b'.repeat(64)}`;
  const pull = (lines: readonly unknown[], after: Scripted = { status: 404, body: { message: 'No such image' } }) => {
    script.answer = (request) => (request === 'POST /images/create' ? { lines } : after);
    return engine.pullImage(reference, () => undefined);
  };
  const present: Scripted = { status: 200, body: { Id: 'sha256:1', Config: { Labels: null } } };

  test('ends when the image is there', async () => {
    await pull([{ status: 'Pulling from openclaw' }, { status: 'Download complete', id: 'a' }], present);
    expect(await engine.findImage(reference)).toEqual({ id: 'sha256:1', labels: {} });
  });

  test('a registry that wants less of us is asked again', async () => {
    const done = pull(
      [{ status: 'Pulling' }, { errorDetail: { message: 'x' }, error: 'toomanyrequests: slow down' }],
      present,
    );
    await expect(done).rejects.toThrow(NotYet);
    await expect(done).rejects.toThrow('toomanyrequests');
  });

  test('a digest that no registry has is refused, naming it', async () => {
    const done = pull([{ error: `manifest for ${reference} not found: manifest unknown` }]);
    await expect(done).rejects.toThrow(Refused);
    await expect(done).rejects.toThrow(reference);
  });

  test('a pull that breaks off in the middle is an error at once, and the next attempt is a whole one', async () => {
    const lines = [{ status: 'Downloading', id: 'a', progressDetail: { current: 1e6, total: 4e8 } }];
    script.answer = () => ({ lines, breaksOff: true });
    const begun = Date.now();
    const broken = engine.pullImage(reference, () => undefined);
    await expect(broken).rejects.toThrow(/hung up|aborted/);
    await expect(broken).rejects.not.toThrow(Refused);
    expect(Date.now() - begun).toBeLessThan(5_000);
    await pull([{ status: 'Pulling' }], present);
  });

  test.each([
    'unexpected EOF',
    'failed to copy: httpReadSeeker: failed open: failed to do request: Get "https://registry.example/v2/": EOF',
    'short read: expected 104857600 bytes but got 4194304: unexpected EOF',
    'failed commit on ref "layer-sha256:1": unexpected commit digest sha256:2, expected sha256:1: failed precondition',
  ])('a layer that came in part only is asked for again: %s', async (message) => {
    await expect(pull([{ errorDetail: { message } }])).rejects.toThrow(NotYet);
  });

  test('a stream that just ends is not a pull', async () => {
    await expect(pull([{ status: 'Pulling' }])).rejects.toThrow('the image is not there');
  });

  const digest = `sha256:${'b'.repeat(64)}`;
  const resolving = `failed to resolve reference "registry.example/openclaw@${digest}"`;
  const head = `unexpected status from HEAD request to https://registry.example/v2/openclaw/manifests/${digest}`;
  const refusals: [number, string][] = [
    [404, 'manifest unknown'],
    [400, 'invalid reference format'],
    // Docker 29 with the containerd store: the status tells, the words are the registry's own.
    [403, 'error from registry: requested access to the resource is denied'],
    [403, 'error from registry: das darf hier niemand'],
    [401, 'error from registry: incorrect username or password'],
    [404, `${resolving}: registry.example/openclaw@${digest}: not found`],
    [400, 'error from registry: the name is not one'],
    [500, `${resolving}: ${head}: 400 Bad Request`],
    // Docker 28 with the containerd store: the registry's status stands within the words of a 500.
    [500, `${resolving}: ${head}: 403 Forbidden`],
    [500, `${resolving}: ${head}: 401 Unauthorized`],
    [500, `${resolving}: failed to authorize: failed to fetch anonymous token: ${head}: 403 Forbidden`],
    [500, `${resolving}: pull access denied, no basic auth credentials`],
    [500, `Head "https://registry.example/v2/openclaw/manifests/${digest}": no basic auth credentials`],
    // overlay2, of 20.10 to 29.
    [404, 'pull access denied for registry.example/openclaw, repository does not exist or may require a login'],
    [401, 'unauthorized: authentication required'],
    [404, `manifest for registry.example/openclaw@${digest} not found: manifest unknown`],
    [500, 'received unexpected HTTP status: 403 Forbidden'],
  ];
  const waits: [number, string][] = [
    [500, 'Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such host'],
    [500, 'Get "https://registry.example/v2/": dial tcp 192.0.2.1:443: connect: connection refused'],
    [500, `${resolving}: ${head}: 429 Too Many Requests`],
    [500, `${resolving}: ${head}: 500 Internal Server Error`],
    [500, `${resolving}: ${head}: 503 Service Unavailable`],
    [500, 'toomanyrequests: access to this repository is denied for an hour'],
    [500, 'received unexpected HTTP status: 502 Bad Gateway'],
    [500, `${resolving}: failed to do request: Head "https://registry.example/v2/": EOF`],
    [500, 'error pulling image configuration: unexpected EOF'],
    [429, 'slow down'],
    [503, 'the backend was not found'],
  ];

  test.each(refusals)('%i %s: refused', async (status, message) => {
    says(status, message);
    const done = engine.pullImage(reference, () => undefined);
    await expect(done).rejects.toThrow(Refused);
    await expect(done).rejects.toThrow(/^the registry refused .*(?:catalogue|runbook\.md#image-missing)$/);
  });

  test.each(waits)('%i %s: asked again', async (status, message) => {
    says(status, message);
    await expect(engine.pullImage(reference, () => undefined)).rejects.toThrow(NotYet);
  });

  test.each([...refusals.filter(([status]) => status === 500), ...waits.filter(([status]) => status === 500)])(
    'the same in the stream, whether the engine says `error` or only `errorDetail`: %i %s',
    async (status, message) => {
      const kind = waits.some((each) => each[1] === message) ? NotYet : Refused;
      await expect(pull([{ status: 'Pulling' }, { errorDetail: { message } }])).rejects.toThrow(kind);
      await expect(pull([{ status: 'Pulling' }, { error: message }])).rejects.toThrow(kind);
      await expect(pull([{ errorDetail: { message, code: status }, error: message }])).rejects.toThrow(kind);
    },
  );

  test('a registry that wants to know who asks: the sentence names what helps', async () => {
    says(403, 'error from registry: das darf hier niemand');
    await expect(engine.pullImage(reference, () => undefined)).rejects.toThrow(/docker login.*docker pull/);
    await expect(
      pull([{ errorDetail: { message: 'das darf hier niemand', code: 403 } }]),
      'the status may stand in the line alone',
    ).rejects.toThrow(Refused);
  });

  test('a full disk in the middle of a pull is refused', async () => {
    says(500, 'write /var/lib/docker/tmp/x: no space left on device');
    await expect(engine.pullImage(reference, () => undefined)).rejects.toThrow(/no room on its host/);
    const layer = 'failed to extract layer sha256:1: write /x: no space left on device';
    await expect(pull([{ errorDetail: { message: layer } }])).rejects.toThrow(/no room on its host/);
  });
});
