import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../../src/domain/secret.js';
import type { Accepted } from '../../../src/wire/requests.js';
import { registry } from '../../../src/workflows/operations.js';
import { pairSenderSteps, unpairSenderSteps } from '../../../src/workflows/senders/operation.js';
import type { DirectoryStage } from '../../ground/directory-stage.js';
import { Keyboard } from '../../ground/keyboard.js';
import { DirectoryGateway } from '../../world/directory-gateway.js';
import { testRelease, testSpec } from '../../world/open-test-world.js';
import { onKeptWorker, onSharedGround } from '../on-stage.js';

const place = { provider: 'local', host: 'local' } as const;
const kim = { channel: 'telegram', account: 'default', id: '5550001' };

const doing = (steps: readonly string[]) => steps.map((step) => registry[step]?.do ?? '');

/** A ready gateway whose bot tells whoever writes a code, and what it keeps of senders. */
async function ready(stage: DirectoryStage) {
  const { world } = stage.ground;
  const token = new Secret(`${100_000 + randomBytes(3).readUIntBE(0, 3)}:${'A'.repeat(35)}`);
  await world.deps.secrets.write(stage.id, token);
  const secrets = { botToken: `secret:${stage.id}` };
  const channels = [{ kind: 'telegram', secrets, allowFrom: [], pairSenders: true }] as const;
  const { birth } = await stage.provision({ spec: { ...testSpec, channels } });
  expect(await stage.settled()).toMatchObject({ phase: 'ready' });
  const book = DirectoryGateway.within(world.root, `oc-${stage.id}-${birth}`).senders;
  return { book, admitted: () => book.read(['telegram']).admitted };
}

const asked = () => ({ requestId: randomBytes(8).toString('hex'), origin: 'test', place });

function pair(stage: DirectoryStage, code: string, requestId = asked().requestId): Promise<Accepted> {
  return stage.request({ ...asked(), requestId, kind: 'pair-sender', code });
}

function unpair(stage: DirectoryStage): Promise<Accepted> {
  return stage.request({ ...asked(), kind: 'unpair-sender', sender: kim.id });
}

describe('S2-46: a worker killed after the effect and before the report of', () => {
  const on = onKeptWorker();

  for (const activity of doing(pairSenderSteps))
    on(`${activity}: the sender is let in, once`, async (stage) => {
      stage.interfere(activity, 'crash after');
      const { book, admitted } = await ready(stage);
      await pair(stage, book.tell(kim));
      expect(await stage.settled()).toMatchObject({ phase: 'ready', last: { kind: 'pair-sender', outcome: 'done' } });
      expect(admitted()).toEqual([kim]);
    });

  on('removeSender: nobody is let in', async (stage) => {
    stage.interfere('removeSender', 'crash after');
    stage.interfere('probeSender', 'fail');
    const { book, admitted } = await ready(stage);
    await pair(stage, book.tell(kim));
    expect(await stage.settled()).toMatchObject({ phase: 'ready', last: { kind: 'pair-sender', outcome: 'undone' } });
    expect(admitted()).toEqual([]);
  });

  for (const activity of doing(unpairSenderSteps))
    on(`${activity}: the sender is out`, async (stage) => {
      stage.interfere(activity, 'crash after');
      const { book, admitted } = await ready(stage);
      await pair(stage, book.tell(kim));
      await unpair(stage);
      expect(await stage.settled()).toMatchObject({ phase: 'ready', last: { kind: 'unpair-sender', outcome: 'done' } });
      expect(admitted()).toEqual([]);
    });
});

describe('S2-46: a pairing of a chat sender', () => {
  const on = onSharedGround();

  on('that is removed in the middle leaves nothing', async (stage) => {
    const { book } = await ready(stage);
    stage.interfere('ensureSender', 'hold after');
    await pair(stage, book.tell(kim));
    await stage.held('ensureSender');
    await stage.remove();
    stage.letGo('ensureSender');
    expect(await stage.settled()).toMatchObject({ phase: 'removed', left: [] });
    expect(stage.leftovers()).toEqual([]);
  });

  on('whose run is terminated is followed by its way back, and nobody is let in', async (stage) => {
    const { book, admitted } = await ready(stage);
    stage.interfere('probeSender', 'hold before');
    const { workflowId } = await pair(stage, book.tell(kim));
    await stage.held('probeSender');
    expect(admitted()).toEqual([kim]);
    await (await stage.client()).workflow.getHandle(workflowId).terminate('test');
    stage.letGo('probeSender');
    expect(await stage.settled()).toMatchObject({ phase: 'ready', last: { kind: 'way-back', outcome: 'done' } });
    expect(admitted()).toEqual([]);
  });

  on('asked for twice by one request is one, and by two the second finds the code used', async (stage) => {
    const { book, admitted } = await ready(stage);
    const code = book.tell(kim);
    const [first, second] = await Promise.all([pair(stage, code, 'the-same'), pair(stage, code, 'the-same')]);
    expect(second.operation).toBe(first.operation);
    await pair(stage, code);
    expect(await stage.settled()).toMatchObject({ phase: 'ready', last: { operation: 3, outcome: 'undone' } });
    expect(admitted()).toEqual([kim]);
  });

  on('is refused when it is malformed', async (stage) => {
    await ready(stage);
    await expect(pair(stage, 'O0I1')).rejects.toMatchObject({
      cause: { message: expect.stringContaining('malformed') },
    });
  });
});

describe('S2-46: at the command line', () => {
  let keyboard: Keyboard;
  beforeAll(async () => {
    keyboard = await Keyboard.open();
    await keyboard.ground.startWorker();
  });
  afterAll(() => keyboard.close());

  it('a chat sender is listed, let in by the code, listed as let in, and taken out; a wrong code and a used one are told', async () => {
    const { world, root } = keyboard.ground;
    const creel = (...args: string[]) => keyboard.creel(args);
    await world.deps.secrets.write('bot', new Secret(`123456789:${'A'.repeat(35)}`));
    const file = path.join(root, 'pairs.toml');
    const channel = '[[channels]]\nkind = "telegram"\nbot_token = "secret:bot"\npair_senders = true\n';
    fs.writeFileSync(file, `release = "${testRelease}"\ndev = true\n${channel}`);
    expect((await creel('provision', 'pairs', '-f', file)).exitCode).toBe(0);
    const [name = ''] = /oc-pairs-\w{6}/.exec(world.engine.leftovers().join('\n')) ?? [];
    const book = DirectoryGateway.within(root, name).senders;
    const code = book.tell(kim, '\u001B[2AKim');

    const listed = await creel('devices', 'pairs');
    expect(listed.stdout).toMatch(/5550001\s+Kim\s+telegram\s+default\s+was told a code, /);
    expect(listed.stdout).toContain('next: creel pair pairs --sender CODE');
    expect(listed.stdout).not.toContain(code);
    expect((await creel('devices', 'pairs', '--json')).stdout).not.toContain(code);

    const wrong = await creel('pair', 'pairs', '--sender', 'AAAAAAAA');
    expect(wrong).toMatchObject({ exitCode: 4, stdout: expect.stringContaining('nobody waits with code AAAAAAAA') });
    const paired = await creel('pair', 'pairs', '--sender', code.toLowerCase(), '--channel', 'telegram');
    expect(paired).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/prove sender: .*in the gateway's book/),
    });
    expect(paired.stdout).toContain('next: creel devices pairs');
    expect((await creel('devices', 'pairs')).stdout).toMatch(/5550001\s+telegram\s+default\s+let in/);
    const used = await creel('pair', 'pairs', '--sender', code);
    expect(used).toMatchObject({ exitCode: 4, stdout: expect.stringContaining('used already') });

    expect((await creel('unpair', 'pairs', '--sender', '5550001')).exitCode).toBe(0);
    expect((await creel('devices', 'pairs')).stdout).toContain('no senders');
    const gone = await creel('unpair', 'pairs', '--sender', '5550001');
    expect(gone).toMatchObject({ exitCode: 4, stdout: expect.stringContaining('was not let in by a code') });
    for (const wrongly of [
      ['pair', 'pairs', '--sender', 'O0I1'],
      ['pair', 'pairs', '--channel', 'telegram'],
      ['pair', 'pairs', '--sender', code, '--device', 'a'.repeat(64)],
      ['unpair', 'pairs'],
      ['unpair', 'pairs', '--sender', '1', '--device', 'a'.repeat(64)],
    ])
      expect({ wrongly, exit: (await keyboard.creel(wrongly)).exitCode }).toEqual({ wrongly, exit: 2 });
  });
});
