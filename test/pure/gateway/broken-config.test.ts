import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stateDirectory, tokenIn } from '../../../src/domain/gateway/config.js';
import { names, type Gateway } from '../../../src/domain/gateway/gateway.js';
import { openTestWorld, type TestWorld } from '../../world/open-test-world.js';
import { networkOf } from '../../../src/activities/parts/network.js';
import { origins } from '../../../src/domain/gateway/config.js';

const broken = '{ "agents": { "defaults": { "model": "their-own" } }, "gateway": ';
const keptName = `openclaw.json.unreadable-${createHash('sha256').update(broken).digest('hex').slice(0, 8)}`;

let world: TestWorld;
let g42: Gateway;
beforeEach(async () => {
  world = openTestWorld();
  g42 = world.gateway('g42');
  for (const step of ['ensureState', 'ensureNetwork', 'ensureConfig', 'ensureContainer', 'probeReadiness'] as const)
    await world.activities[step](g42);
});
afterEach(() => world.close());

async function container() {
  const found = await world.engine.findContainer(names(g42.mark).container);
  if (!found) throw new Error('no container');
  return found;
}

async function read(file: string): Promise<string | undefined> {
  return world.engine.readFile((await container()).id, `${stateDirectory}/${file}`);
}

async function write(file: string, content: string): Promise<void> {
  const { id } = await container();
  await world.engine.writeFiles(id, stateDirectory, [{ path: file, content, mode: 0o600, uid: 1000 }]);
}

async function stop(): Promise<void> {
  await world.engine.stopContainer((await container()).id, 1);
}

describe('a config that cannot be read (S0-17)', () => {
  test('of a gateway that does not run is kept beside, byte for byte, and the answer says where', async () => {
    const settings = { agents: { defaults: { model: 'last-good' } } };
    await write('openclaw.json.last-good', JSON.stringify(settings));
    await write('openclaw.json', broken);
    await stop();
    expect(await world.activities.ensureConfig(g42)).toMatch(new RegExp(`it lies beside as ${keptName}`));
    expect(await read(keptName)).toBe(broken);
    const written = await read('openclaw.json');
    expect(JSON.parse(written ?? '')).toMatchObject(settings);
    expect(tokenIn(written)).toBe(world.deps.keys.token(g42).reveal());
    expect(await world.activities.ensureConfig(g42)).toBeUndefined();
  });

  test('is kept beside also where nothing else is to be had', async () => {
    await write('openclaw.json.last-good', broken);
    await write('openclaw.json', broken);
    await stop();
    expect(await world.activities.ensureConfig(g42)).toContain('without any setting that was in it');
    expect(await read(keptName)).toBe(broken);
    await world.activities.ensureContainer(g42);
    await world.activities.probeReadiness(g42);
  });

  test('of a gateway that runs is refused as that, not as another token, and stays', async () => {
    await write('openclaw.json', broken);
    await expect(world.activities.ensureConfig(g42)).rejects.toMatchObject({
      name: 'Refused',
      message: expect.stringMatching(/cannot be read: .*openclaw.json.last-good/),
    });
    expect(await read('openclaw.json')).toBe(broken);
  });

  test('of a life whose record was lost is refused: its token cannot be found out', async () => {
    await write('openclaw.json', broken);
    await stop();
    await expect(world.activities.findGeneration(g42)).rejects.toMatchObject({
      name: 'Refused',
      message: expect.stringContaining('cannot be read'),
    });
  });
});

describe('a config with comments and trailing commas', () => {
  const byHand = (token: string, allowed: readonly string[] = []) =>
    `// mine\n{ gateway: { mode: 'local', auth: { token: '${token}', }, controlUi: { allowedOrigins: ${JSON.stringify(allowed)} }, }, agents: { defaults: { model: 'their-own' } }, }\n`;

  test('holds the token of its gateway while it runs', async () => {
    const { port } = await networkOf(world.deps, g42);
    const text = byHand(world.deps.keys.token(g42).reveal(), origins(port));
    await write('openclaw.json', text);
    await world.activities.ensureConfig(g42);
    expect(await read('openclaw.json')).toBe(text);
    expect(await world.activities.findGeneration(g42)).toBe(1);
  });

  test('keeps its settings when it is written over', async () => {
    await write('openclaw.json', byHand('another'));
    await stop();
    expect(await world.activities.ensureConfig(g42)).toBeUndefined();
    expect(JSON.parse((await read('openclaw.json')) ?? '')).toMatchObject({
      agents: { defaults: { model: 'their-own' } },
      gateway: { auth: { token: world.deps.keys.token(g42).reveal() } },
    });
  });
});
