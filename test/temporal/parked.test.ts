import { randomUUID } from 'node:crypto';
import { describe, expect } from 'vitest';
import { replyUpdate, withdrawUpdate } from '../../src/wire/messages.js';
import type { ParkAnswer } from '../../src/wire/park.js';
import { gatewayWorkflowId } from '../../src/wire/ids.js';
import { testSpec } from '../world/open-test-world.js';
import { onSharedGround } from './on-stage.js';
import type { DirectoryStage } from '../ground/directory-stage.js';

const spec = { ...testSpec, parkMs: 3_600_000 };

/** Provisions with one step made to fail, and waits until the operation is parked. */
async function parked(stage: DirectoryStage, activity: string) {
  stage.interfere(activity, 'fail');
  const { birth } = await stage.provision({ spec });
  const { park } = await stage.until((found) => found.phase === 'parked');
  return { birth, park: park?.number ?? '' };
}

async function answer(stage: DirectoryStage, park: string, word: ParkAnswer): Promise<void> {
  const handle = (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id));
  await handle.executeUpdate(replyUpdate, { args: [{ park, answer: word, origin: 'test' }] });
}

describe('a parked operation', () => {
  const on = onSharedGround();

  on('says where, why and which command answers it', async (stage) => {
    await parked(stage, 'ensureOperator');
    const found = await stage.describe();
    expect(found.park).toMatchObject({
      number: '1.1',
      step: 'pair operator',
      doing: 'do',
      answers: ['retry', 'abort'],
    });
    expect(found.reason).toContain(`creel retry ${stage.id} --park 1.1`);
    await stage.remove();
    await stage.settled();
  });

  on('goes on with retry', async (stage) => {
    const { birth, park } = await parked(stage, 'ensureOperator');
    stage.letGo('ensureOperator');
    await answer(stage, park, 'retry');
    expect(await stage.settled()).toMatchObject({ phase: 'ready' });
    expect(stage.leftovers()).toEqual(stage.expected(birth));
  });

  on('parks again, under another number, when retry does not help', async (stage) => {
    const { park } = await parked(stage, 'ensureOperator');
    await answer(stage, park, 'retry');
    const again = await stage.until((found) => found.park?.number === '1.2');
    expect(again.phase).toBe('parked');
    await expect(answer(stage, park, 'abort')).rejects.toMatchObject({
      cause: { message: expect.stringContaining('1.1 was answered') },
    });
    await answer(stage, '1.2', 'abort');
    await stage.settled();
    expect(stage.leftovers()).toEqual([]);
  });

  on('leaves nothing with abort, and the same answer twice is one', async (stage) => {
    const { park } = await parked(stage, 'ensureOperator');
    await Promise.all([answer(stage, park, 'abort'), answer(stage, park, 'abort')]);
    await answer(stage, park, 'abort');
    expect(await stage.settled()).toMatchObject({ phase: 'removed', last: { outcome: 'undone' } });
    expect(stage.leftovers()).toEqual([]);
  });

  on('skips only an optional step, and the gateway is degraded', async (stage) => {
    const { birth, park } = await parked(stage, 'probeChannels');
    await answer(stage, park, 'skip');
    expect(await stage.settled()).toMatchObject({
      phase: 'degraded',
      skipped: ['probe channels'],
      reason: 'probe channels was skipped',
    });
    expect(stage.leftovers()).toEqual(stage.expected(birth));
  });

  on('refuses skip of a step that proves the gateway', async (stage) => {
    const { park } = await parked(stage, 'probeReadiness');
    await expect(answer(stage, park, 'skip')).rejects.toMatchObject({
      cause: { message: expect.stringContaining('takes retry, abort') },
    });
    await expect(answer(stage, '9.9', 'abort')).rejects.toMatchObject({
      cause: { message: expect.stringContaining('9.9 is not open') },
    });
    await stage.remove();
    expect(await stage.settled()).toMatchObject({ phase: 'removed' });
    expect(stage.leftovers()).toEqual([]);
  });

  on('asks the world once more when its limit passes, and goes on if it can', async (stage) => {
    stage.interfere('ensureOperator', 'fail');
    await stage.provision({ spec: { ...spec, parkMs: 10_000 } });
    await stage.until((found) => found.phase === 'parked');
    stage.letGo('ensureOperator');
    expect(await stage.settled()).toMatchObject({ phase: 'ready' });
  });

  on('unwinds when its limit passes and nothing changed', async (stage) => {
    stage.interfere('ensureOperator', 'fail');
    await stage.provision({ spec: { ...spec, parkMs: 1_000 } });
    expect(await stage.settled()).toMatchObject({
      phase: 'removed',
      reason: expect.stringMatching(/^pair operator: /),
    });
    expect(stage.leftovers()).toEqual([]);
  });

  on('of an undo stops no other undo, takes retry, and pages a person', async (stage) => {
    await stage.provision({ spec });
    await stage.settled();
    stage.interfere('removeNetwork', 'fail');
    await stage.remove();
    const { park, life } = await stage.until((found) => found.phase === 'parked');
    const birth = life?.mark.birth ?? '';
    expect(park).toMatchObject({ step: 'join network', doing: 'undo', answers: ['retry', 'leave'] });
    expect(stage.leftovers()).toEqual([`network oc-${stage.id}-${birth}`]);
    await stage.until(() => stage.pages().some(({ title }) => title.includes('undo join network')));
    stage.letGo('removeNetwork');
    await answer(stage, park?.number ?? '', 'retry');
    expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
    expect(stage.leftovers()).toEqual([]);
  });

  on('of an undo that is left is named in the record, and the next removal ends it', async (stage) => {
    await stage.provision({ spec });
    await stage.settled();
    stage.interfere('removeNetwork', 'fail');
    await stage.remove();
    const { park } = await stage.until((found) => found.phase === 'parked');
    await answer(stage, park?.number ?? '', 'leave');
    expect(await stage.settled()).toMatchObject({
      phase: 'removed',
      left: [{ step: 'join network', kind: 'Refused' }],
    });
    stage.letGo('removeNetwork');
    await stage.remove();
    expect(await stage.settled()).toMatchObject({ left: [] });
    expect(stage.leftovers()).toEqual([]);
  });
});

describe('a parked operation whose gateway is told too much', () => {
  const on = onSharedGround({ words: 20 });

  on('leaves room for a removal, after which everything is heard again', async (stage) => {
    stage.interfere('ensureOperator', 'fail');
    await stage.provision({ spec, requestId: 'first' });
    await stage.until((found) => found.phase === 'parked');
    const again = () => stage.provision({ spec, requestId: 'first', origin: randomUUID() });
    expect(await refusalOf(again)).toMatch(/was told 15 things .*creel describe/);
    const withdrawn = { requestId: 'unknown', reason: 'test' };
    const handle = (await stage.client()).workflow.getHandle(gatewayWorkflowId(stage.id));
    await expect(handle.executeUpdate(withdrawUpdate, { args: [withdrawn] })).rejects.toThrow();
    let parks = 0;
    const retry = async () => {
      const { park } = await stage.until((found) => found.park?.number === `1.${parks + 1}`);
      await answer(stage, park?.number ?? '', 'retry');
      parks += 1;
    };
    expect(await refusalOf(retry)).toMatch(/was told 18 things .*it hears removals/);
    await stage.remove();
    expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
    expect(stage.leftovers()).toEqual([]);
    stage.letGo('ensureOperator');
    await stage.provision({ spec });
    expect(await stage.settled()).toMatchObject({ phase: 'ready' });
  });

  on('goes on as new when it has nothing to do, so that whoever asks again is answered', async (stage) => {
    await stage.provision({ spec, requestId: 'first' });
    await stage.settled();
    for (let count = 0; count < 60; count += 1)
      expect(await stage.provision({ spec, requestId: 'first', origin: `${count}` })).toMatchObject({ state: 'done' });
  });
});

/** What somebody is told in the end who asks again and again. */
async function refusalOf(ask: () => Promise<unknown>): Promise<string> {
  for (let count = 0; count < 100; count += 1) {
    try {
      await ask();
    } catch (error) {
      return String((error as { cause?: Error }).cause?.message ?? error);
    }
  }
  throw new Error('it was never refused');
}
