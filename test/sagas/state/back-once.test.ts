import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { configFile, lastGoodFile } from '../../../src/domain/gateway/config.js';
import { parseObject } from '../../../src/domain/json.js';
import { at } from '../proofs/faults.js';
import { readyGateway } from '../proofs/interrupted.js';
import type { Template, VirtualEntity } from '../proofs/virtual-entity.js';

let ready: Template;

beforeAll(async () => {
  ready = await readyGateway();
});
afterAll(() => ready.close());

describe('a state that is back', () => {
  it('is not put back again by what goes on with the way back: what an owner mended meanwhile stays', async () => {
    await ready.on(async (entity) => {
      await goneBackInVain(entity);
      const { customerNotes: _gone, ...mended } = parseObject(read(entity, configFile)) ?? {};
      fs.writeFileSync(fileOf(entity, configFile), JSON.stringify(mended));
      fs.writeFileSync(fileOf(entity, 'written-since.txt'), 'by the owner');
      entity.provision({ spec: entity.gateway.spec });
      await entity.drain();
      assert.deepEqual([entity.state.phase, entity.state.life?.owed], ['ready', undefined], entity.state.reason);
      assert.equal(read(entity, 'written-since.txt'), 'by the owner');
    });
  });

  it('is what a removal keeps, with what was written since it came back', async () => {
    await ready.on(async (entity) => {
      await goneBackInVain(entity);
      fs.writeFileSync(fileOf(entity, 'written-since.txt'), 'by the owner');
      entity.remove();
      await entity.drain();
      assert.ok(entity.life.stateKeptUntil > 0, entity.state.reason);
      assert.equal(read(entity, 'written-since.txt'), 'by the owner');
    });
  });
});

/** An upgrade went back, and the previous gateway does not start on what somebody had saved in its config while it ran. */
async function goneBackInVain(entity: VirtualEntity): Promise<void> {
  const config = parseObject(read(entity, configFile));
  fs.writeFileSync(fileOf(entity, configFile), JSON.stringify({ ...config, customerNotes: 'by a shell tool' }));
  fs.rmSync(fileOf(entity, lastGoodFile));
  entity.ask({ kind: 'upgrade', release: '2026.9.8-takes', dev: true, retryFailed: false, readyMs: 2_000 });
  await entity.run(at('read replaced', 'do', 'refuse after'));
  assert.match(entity.life.left.map(({ reason }) => reason).join(), /exit 78/);
  assert.equal(entity.state.life?.owed?.kind, 'upgrade');
}

function read(entity: VirtualEntity, name: string): string {
  return fs.readFileSync(fileOf(entity, name), 'utf8');
}

function fileOf(entity: VirtualEntity, name: string): string {
  return path.join(entity.world.root, 'files', entity.names.volume, name);
}
