import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'vitest';
import { z } from 'zod';
import { configFile } from '../../src/domain/gateway/config.js';
import { Secret } from '../../src/domain/secret.js';
import { readText, replaceFile } from '../world/directory-files.js';
import type { ProviderMood } from '../world/directory-gateway.js';
import { ownModels as models } from '../world/own-models.js';
import { at } from './proofs/faults.js';
import { readyGateway, upgrade } from './proofs/interrupted.js';
import type { VirtualEntity } from './proofs/virtual-entity.js';

const rollback = { kind: 'rollback' } as const;

const config = z.looseObject({ agents: z.looseObject({ defaults: z.looseObject({}) }) });

const said = ({ state }: VirtualEntity) => `${state.phase}: ${state.reason}`;

function provider(entity: VirtualEntity, mood: ProviderMood): void {
  replaceFile(path.join(entity.world.root, 'provider'), mood);
}

function stateOf(entity: VirtualEntity): string {
  return path.join(entity.world.root, 'files', entity.names.volume);
}

/** The chats that a gateway still has. */
function sessions(entity: VirtualEntity): string[] {
  const directory = path.join(stateOf(entity), 'sessions');
  return fs.existsSync(directory) ? fs.readdirSync(directory) : [];
}

async function repair(entity: VirtualEntity): Promise<string> {
  entity.provision({ spec: entity.gateway.spec });
  await entity.drain();
  return said(entity);
}

/** A gateway that was ready without models, and has some since. */
async function onModels(run: (entity: VirtualEntity) => Promise<void>): Promise<void> {
  const ready = await readyGateway();
  try {
    await ready.on(async (entity) => {
      await entity.world.deps.secrets.write('own', new Secret('sk-own-key'));
      const { gateway } = entity.life;
      entity.life.gateway = { ...gateway, spec: { ...gateway.spec, models } };
      const file = path.join(stateOf(entity), configFile);
      const { agents, ...rest } = config.parse(JSON.parse(readText(file) ?? ''));
      const defaults = { ...agents.defaults, model: { primary: models.default } };
      replaceFile(file, JSON.stringify({ ...rest, agents: { ...agents, defaults } }));
      await run(entity);
    });
  } finally {
    ready.close();
  }
}

describe('a gateway whose model does not answer (S0-32)', () => {
  it('is degraded with the cure, and ready once a repair was answered', () =>
    onModels(async (entity) => {
      provider(entity, 'wrong key');
      assert.match(await repair(entity), /^degraded: prove turn: provider own refuses the key of gateway g42/);
      assert.deepEqual(sessions(entity), []);
      provider(entity, 'answers');
      assert.equal(await repair(entity), 'ready: ');
      const turn = entity.runs.at(-1)?.result?.proofs?.find(({ step }) => step === 'prove turn');
      assert.match(turn?.proof ?? '', /^answered by own\/echo-1/);
      assert.deepEqual(sessions(entity), []);
    }));

  it('is degraded when its provider floods it, and nothing of the turn stays though the connection was cut', () =>
    onModels(async (entity) => {
      provider(entity, 'floods');
      assert.match(await repair(entity), /^degraded: prove turn: the gateway sent a frame of more than/);
      assert.deepEqual(sessions(entity), []);
    }));

  it('is degraded with the cure, and ready once a change of its models was answered', () =>
    onModels(async (entity) => {
      provider(entity, 'wrong key');
      const degraded = await repair(entity);
      entity.ask({ kind: 'change', models });
      assert.equal((await entity.run())?.outcome, 'undone');
      assert.equal(said(entity), degraded);
      provider(entity, 'answers');
      entity.ask({ kind: 'change', models });
      const changed = await entity.run();
      assert.equal(changed?.outcome, 'done', changed?.reason);
      assert.equal(said(entity), 'ready: ');
      assert.deepEqual(sessions(entity), []);
    }));

  it('is upgraded all the same, degraded with the cure, and ready when the next change is answered', () =>
    onModels(async (entity) => {
      provider(entity, 'no credit');
      entity.ask(upgrade);
      const upgraded = await entity.run();
      assert.equal(upgraded?.outcome, 'done', upgraded?.reason);
      assert.match(said(entity), /^degraded: prove turn: the account of gateway g42 at provider own has no credit/);
      assert.deepEqual(sessions(entity), []);
      provider(entity, 'answers');
      entity.ask(rollback);
      const back = await entity.run();
      assert.equal(back?.outcome, 'done', back?.reason);
      assert.equal(said(entity), 'ready: ');
    }));

  it.each([
    ['is answered by other models, and not when those went back', models],
    ['is to be answered by none any more', 'none'],
  ] as const)('is ready when it %s', (_when, wanted) =>
    onModels(async (entity) => {
      provider(entity, 'wrong key');
      const degraded = await repair(entity);
      entity.ask({ kind: 'change', models });
      const back = await entity.run();
      assert.equal(back?.outcome, 'undone', back?.reason);
      assert.match(back?.reason ?? '', /^prove models: provider own refuses the key/);
      assert.equal(said(entity), degraded);
      if (wanted !== 'none') provider(entity, 'answers');
      entity.ask({ kind: 'change', models: wanted });
      const changed = await entity.run();
      assert.equal(changed?.outcome, 'done', changed?.reason);
      assert.equal(said(entity), 'ready: ');
    }),
  );

  it('stays degraded through a change that asks no model', () =>
    onModels(async (entity) => {
      provider(entity, 'wrong key');
      const degraded = await repair(entity);
      entity.ask({ kind: 'rotate', reclaim: false, evict: false });
      const rotated = await entity.run();
      assert.equal(rotated?.outcome, 'done', rotated?.reason);
      assert.equal(said(entity), degraded);
    }));
});

describe('an upgrade after which the gateway gives no answer at all', () => {
  it('goes back: the release before it may well give one', () =>
    onModels(async (entity) => {
      const { release } = entity.gateway.spec;
      entity.ask(upgrade);
      const result = await entity.run(at('ask replacement', 'do', 'refuse before'));
      assert.equal(result?.outcome, 'undone');
      assert.equal(entity.gateway.spec.release, release);
      assert.equal(entity.state.phase, 'ready');
    }));
});
