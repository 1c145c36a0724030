import Docker from 'dockerode';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { DockerodeEngine } from '../../../src/adapters/docker/engine.js';
import { foundSocket } from '../../ground/found.js';
import { ImageRegistry } from '../../ground/registries/image-registry.js';
import { pushRandom } from '../../ground/registries/pushed-image.js';

const socketPath = foundSocket();
const docker = new Docker({ socketPath });
const login = { username: 'creel', password: 'test' };
const engine = new DockerodeEngine({
  socketPath,
  signal: () => undefined,
  login: async () => ({ ...login, serveraddress: registry.repository }),
});
const deployment = 'pulledtest';

let registry: ImageRegistry;
let reference = '';
beforeAll(async () => {
  registry = await ImageRegistry.open(login);
  reference = await pushRandom(registry, login);
});
afterEach(async () => {
  for (const { id } of await engine.listPulled(deployment)) await docker.getImage(id).remove({ force: true });
});
afterAll(() => registry.close());

async function pulled(): Promise<string> {
  await engine.pullImage(reference, () => undefined);
  await engine.markPulled(reference, deployment);
  const [image] = await engine.listPulled(deployment);
  if (!image) throw new Error('it is not noted');
  return image.id;
}

test('an image that was pulled is noted on the engine, and goes under all its names (S4-5)', async () => {
  const before = Date.now();
  const id = await pulled();
  expect(await engine.findImage(reference)).toMatchObject({ id });
  expect(await engine.listPulled('another')).toEqual([]);
  const [image] = await engine.listPulled(deployment);
  expect(image).toMatchObject({ id, labels: { 'creel.test': 'relayed' }, isUsed: false });
  expect(image?.pulledAt).toBeGreaterThanOrEqual(before);
  expect(await engine.removePulled(id, deployment)).toBe('removed');
  for (const name of [id, reference]) expect(await engine.findImage(name)).toBeUndefined();
  expect(await engine.removePulled(id, deployment)).toBe('removed');
});

test('one that a container is of stays, though it never ran', async () => {
  const id = await pulled();
  const container = await docker.createContainer({ Image: id, Cmd: ['/none'] });
  try {
    expect(await engine.listPulled(deployment)).toMatchObject([{ id, isUsed: true }]);
    expect(await engine.removePulled(id, deployment)).toBe('in use');
    expect(await engine.findImage(reference)).toMatchObject({ id });
  } finally {
    await container.remove();
  }
});

test('one that somebody has named as well stays for them, and is not ours to judge any more', async () => {
  const id = await pulled();
  await docker.getImage(id).tag({ repo: 'creel-test-somebody', tag: 'own' });
  try {
    expect(await engine.removePulled(id, deployment)).toBe('removed');
    expect(await engine.listPulled(deployment)).toEqual([]);
    expect(await engine.findImage('creel-test-somebody:own')).toMatchObject({ id });
  } finally {
    await docker.getImage(id).remove({ force: true });
  }
});

test('what is not there is not noted', async () => {
  await engine.markPulled(`${registry.repository}@sha256:${'0'.repeat(64)}`, deployment);
  expect(await engine.listPulled(deployment)).toEqual([]);
});
