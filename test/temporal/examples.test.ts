import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Secret } from '../../src/domain/secret.js';
import { Keyboard } from '../ground/keyboard.js';
import { imageOf, testRelease } from '../world/open-test-world.js';

/** Each example as somebody types it who has built the image on this machine. */
let keyboard: Keyboard;
let examples: string;
beforeAll(async () => {
  keyboard = await Keyboard.open();
  examples = path.join(keyboard.ground.root, 'examples');
  fs.cpSync('examples', examples, { recursive: true });
  for (const name of fs.readdirSync(examples, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(examples, name);
    if (name.endsWith('.toml')) fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(/^# dev/m, 'dev'));
  }
  await keyboard.ground.startWorker();
  const { engine, deps } = keyboard.ground.world;
  const image = await engine.findImage(imageOf(testRelease));
  const labels = { ...image?.labels, 'creel.plugins': 'telegram,discord' };
  engine.addImage(imageOf(testRelease), { id: image?.id ?? '', labels });
  await deps.secrets.write('family-telegram', new Secret(`123456789:${'A'.repeat(35)}`));
  await deps.secrets.write('desk-proxy', new Secret('sk-proxy-of-the-host'));
  await deps.secrets.write('family-discord', new Secret(`${'A'.repeat(24)}.${'b'.repeat(6)}.${'C'.repeat(27)}`));
});
afterAll(() => keyboard.close());

const customers = ['acorn', 'birch', 'cedar', 'dogwood', 'elder', 'fir', 'gorse', 'hazel', 'iris', 'juniper'];

it.each([
  ['one-gateway/g42.toml', ['g42']],
  ['two-channels/family.toml', ['family']],
  ['own-model-proxy/desk.toml', ['desk']],
  ['ten-customers/customers', customers],
])('%s is planned, provisioned, and then as it should be', async (name, ids) => {
  const apply = (...more: string[]) =>
    keyboard.creel(['apply', '-f', path.join(examples, name), ...more], '', {
      CREEL_TIERS: path.join(examples, 'ten-customers', 'tiers.toml'),
    });
  const planned = await apply('--dry-run');
  expect(planned.stderr).toBe('');
  expect(planned.stdout).toContain(`${ids.length} differ, 0 as they should be; nothing was touched`);
  const applied = await apply();
  expect(`${applied.stdout}${applied.stderr}`).not.toMatch(/fail|refused/i);
  expect(applied.exitCode).toBe(0);
  for (const id of ids) {
    const described = await keyboard.creel(['describe', id, '--json']);
    expect(JSON.parse(described.stdout), id).toMatchObject({ phase: 'ready', usable: { ok: true } });
  }
  expect((await apply('--dry-run')).stdout).toContain(`0 differ, ${ids.length} as they should be`);
});
