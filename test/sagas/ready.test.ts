import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'vitest';
import type { Channel } from '../../src/domain/channels/channel.js';
import { parseObject } from '../../src/domain/json.js';
import { Secret } from '../../src/domain/secret.js';
import { at, noFault } from './proofs/faults.js';
import { keeping, readyGateway, upgrade, upgradedGateway } from './proofs/interrupted.js';
import type { VirtualEntity, Wish } from './proofs/virtual-entity.js';

const telegram: Channel = { kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom: ['123'] };
const revoked = new Secret(`123456789:${'A'.repeat(28)}REFUSED`);
const valid = new Secret(`123456789:${'B'.repeat(35)}`);
const rotate = { kind: 'rotate', reclaim: false, evict: false } as const;
const grow = { kind: 'change', memoryMb: 4096, live: true } as const;

async function onReady(run: (entity: VirtualEntity) => Promise<void>, of = readyGateway): Promise<void> {
  const ready = await of();
  try {
    await ready.on(run);
  } finally {
    ready.close();
  }
}

async function ask(entity: VirtualEntity, wish: Wish, outcome = 'done', plan = noFault): Promise<void> {
  entity.ask(wish);
  const result = await entity.run(plan);
  assert.equal(result?.outcome, outcome, result?.reason);
}

async function repair(entity: VirtualEntity, spec = entity.gateway.spec): Promise<string> {
  entity.provision({ spec });
  await entity.drain();
  return `${entity.state.phase}: ${entity.state.reason}`;
}

const said = ({ state }: VirtualEntity) => `${state.phase}: ${state.reason}`;

/** A gateway whose only channel has not connected since its token was revoked: a repair has said so. */
const onDeaf = (run: (entity: VirtualEntity, degraded: string) => Promise<void>) =>
  onReady(async (entity) => {
    await ask(entity, { kind: 'change', channels: [telegram] });
    assert.equal(said(entity), 'ready: ');
    await entity.world.deps.secrets.write('bot', revoked);
    const degraded = await repair(entity);
    assert.match(degraded, /^degraded: probe channels: channel telegram refused its token/);
    await run(entity, degraded);
  });

describe('a gateway whose channel is not connected', () => {
  it.each([
    ['an upgrade, which asks for no channel that was not connected', upgrade, 'done', noFault],
    ['a rotation', rotate, 'done', noFault],
    ['a change that went back', grow, 'undone', at('check limits', 'do', 'refuse before')],
  ] as const)('is not called ready by %s', (_what, wish, outcome, plan) =>
    onDeaf(async (entity, degraded) => {
      await ask(entity, wish, outcome, plan);
      assert.match(entity.state.life?.record?.channels ?? '', /refused its token/);
      assert.equal(said(entity), degraded);
    }),
  );

  it('is ready when a change of its channels has proved them', () =>
    onDeaf(async (entity) => {
      await entity.world.deps.secrets.write('bot', valid);
      await ask(entity, { kind: 'change', channels: [telegram] });
      assert.equal(said(entity), 'ready: ');
    }));

  it('is ready when it has none any more', () =>
    onDeaf(async (entity) => {
      await ask(entity, { kind: 'change', channels: [] });
      assert.equal(said(entity), 'ready: ');
    }));

  it('is ready when an upgrade has seen it connected again', () =>
    onDeaf(async (entity) => {
      await entity.world.deps.secrets.write('bot', valid);
      await ask(entity, upgrade);
      assert.equal(said(entity), 'ready: ');
    }));

  it('is ready when a change has proved it that an operator had skipped', () =>
    onDeaf(async (entity) => {
      entity.life.skipped = ['probe channels'];
      entity.state.reason = 'probe channels was skipped';
      await ask(entity, rotate);
      assert.equal(said(entity), 'degraded: probe channels was skipped');
      await entity.world.deps.secrets.write('bot', valid);
      await ask(entity, { kind: 'change', channels: [telegram] });
      assert.deepEqual([said(entity), entity.state.life?.skipped], ['ready: ', []]);
    }));
});

/** Somebody has written another token into the config of a gateway that runs: a repair has said so. */
const onOtherToken = (run: (entity: VirtualEntity, degraded: string, putBack: () => void) => Promise<void>) =>
  onReady(async (entity) => {
    const file = path.join(entity.world.root, 'files', entity.names.volume, 'openclaw.json');
    const before = fs.readFileSync(file, 'utf8');
    const config = parseObject(before) ?? {};
    const gateway = config['gateway'] as Record<string, unknown>;
    const auth = { mode: 'token', token: 'f'.repeat(48) };
    fs.writeFileSync(file, JSON.stringify({ ...config, gateway: { ...gateway, auth } }));
    const degraded = await repair(entity, keeping);
    assert.match(degraded, /^degraded: write config: .*runs with another token than generation 1 of its record/);
    await run(entity, degraded, () => fs.writeFileSync(file, before));
  });

describe('a gateway whose config holds another token than its record', () => {
  it('is not ready because something that was asked of it was refused', () =>
    onOtherToken(async (entity, degraded) => {
      await ask(entity, grow, 'undone', at('check limits', 'do', 'refuse before'));
      assert.equal(said(entity), degraded);
      assert.match(entity.state.life?.record?.findings?.join() ?? '', /does not hold the token of generation 1/);
    }));

  it('is ready when that was put right and something has read it back', () =>
    onOtherToken(async (entity, _degraded, putBack) => {
      putBack();
      await ask(entity, rotate);
      assert.deepEqual([said(entity), entity.state.life?.record?.findings], ['ready: ', undefined]);
    }));

  it('is ready as the refusal says: a reclaim sets the next token of one that has started with that file', () =>
    onOtherToken(async (entity, degraded) => {
      assert.match(degraded, /`creel rotate g42 --reclaim` sets the next token/);
      entity.world.engine.crash(entity.names.container);
      const { id = '' } = (await entity.world.engine.findContainer(entity.names.container)) ?? {};
      await entity.world.engine.startContainer(id);
      await ask(entity, { ...rotate, reclaim: true });
      assert.deepEqual([said(entity), entity.state.life?.record?.findings], ['ready: ', undefined]);
    }));

  it('is ready as the finding says: its container is stopped, and a repair writes the token of the record', () =>
    onOtherToken(async (entity) => {
      entity.world.engine.crash(entity.names.container);
      assert.equal(await repair(entity), 'ready: ');
      assert.equal(entity.state.life?.record?.findings, undefined);
    }));
});

describe('a gateway that runs another release than its record', () => {
  it('is not ready because something that was asked of it was refused', () =>
    onReady(async (entity) => {
      entity.life.gateway = { ...entity.gateway, spec: keeping }; // as of a record that was lost, and taken up with the previous release
      const degraded = await repair(entity);
      assert.match(degraded, /^degraded: .*2026\.9\.7/);
      await ask(entity, grow, 'undone', at('check limits', 'do', 'refuse before'));
      assert.equal(said(entity), degraded);
    }, upgradedGateway));
});
