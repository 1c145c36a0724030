import assert from 'node:assert/strict';
import { describe, expect, it } from 'vitest';
import type { Change } from '../../src/domain/changes/change.js';
import type { Sender } from '../../src/domain/channels/paired-senders.js';
import { readSenderNotes, senderNotesFile, withSenderNote } from '../../src/domain/channels/sender-notes.js';
import { configFile, stateDirectory } from '../../src/domain/gateway/config.js';
import { senderNotes } from '../../src/domain/thresholds.js';
import { pairSender, pairSenderSteps, unpairSender, unpairSenderSteps } from '../../src/workflows/senders/operation.js';
import { DirectoryGateway } from '../world/directory-gateway.js';
import type { DirectorySenders } from '../world/directory-senders.js';
import { withChangeStage, type ChangeUnderProof } from './proofs/change-proofs.js';
import type { ChangeStage } from './proofs/change-stage.js';
import { at } from './proofs/faults.js';
import { proveChange } from './proofs/prove-change.js';

const kim: Sender = { channel: 'telegram', account: 'default', id: '5550001' };
const boss: Sender = { channel: 'telegram', account: 'default', id: '5550009' };

const hour = 3_600_000;

/** As whoever lives in a gateway sets it: two channels, one of which lets senders in by a code. */
const channels = {
  telegram: {
    enabled: false,
    dmPolicy: 'allowlist',
    allowFrom: ['tg:5550007'],
    accounts: { default: { dmPolicy: 'pairing' }, second: { dmPolicy: 'allowlist' } },
  },
  whatsapp: { enabled: false },
  reef: { enabled: false },
};

function senders(stage: ChangeStage): DirectorySenders {
  return DirectoryGateway.within(stage.world.root, stage.names.container).senders;
}

function admitted(stage: ChangeStage): readonly Sender[] {
  return senders(stage).read(['telegram', 'whatsapp']).admitted;
}

async function settle(stage: ChangeStage): Promise<void> {
  const { engine } = stage.world;
  const { id } = (await engine.findContainer(stage.names.container)) ?? { id: '' };
  const text = (await engine.readFile(id, `${stateDirectory}/${configFile}`)) ?? '';
  const content = JSON.stringify({ ...JSON.parse(text), channels });
  await engine.writeFiles(id, stateDirectory, [{ path: configFile, content, mode: 0o600, uid: 1000 }]);
  senders(stage).admit(boss);
}

function pairing(code: string, channel?: string): Change {
  return { kind: 'pair-sender', code, since: Date.now(), ...(channel !== undefined && { channel }) };
}

const proved: ChangeUnderProof = {
  operation: pairSender,
  steps: pairSenderSteps,
  begin: async (stage) => {
    await settle(stage);
    return pairing(senders(stage).tell(kim, 'Kim'));
  },
  isDone: async (stage) => expect(admitted(stage)).toEqual(expect.arrayContaining([kim, boss])),
  isBack: async (stage) => {
    expect(admitted(stage)).toEqual([boss]);
    expect(senders(stage).tell(kim)).toMatch(/^[A-Z2-9]{8}$/);
    await stage.world.activities.findGateway(stage.gateway);
  },
};

describe('S2-46: pair a chat sender', () => {
  proveChange(proved);

  const on = (title: string, run: (stage: ChangeStage) => Promise<void>) =>
    it.concurrent(title, () =>
      withChangeStage(proved, async (stage) => {
        await settle(stage);
        await run(stage);
      }),
    );

  on('names who is let in, and proves that the gateway holds them', async (stage) => {
    const { outcome, proofs } = await stage.run(pairing(senders(stage).tell(kim, 'Kim').toLowerCase().toUpperCase()));
    assert.equal(outcome, 'done');
    expect(proofs?.map(({ proof }) => proof)).toEqual([
      expect.stringMatching(/^telegram sender 5550001 \(Kim\) waits with code /),
      expect.stringMatching(/^telegram sender 5550001 is admitted by code /),
      "telegram sender 5550001 is in the gateway's book, and heard from their next message on",
    ]);
  });

  on('tells apart a code that is wrong, used, expired, or of another channel; nobody is let in', async (stage) => {
    const book = senders(stage);
    const reasonOf = async (change: Change) => {
      const { outcome, reason } = await stage.run(change);
      assert.equal(outcome, 'undone');
      return reason;
    };
    expect(await reasonOf(pairing('AAAAAAAA'))).toMatch(
      /^check sender: nobody waits with code AAAAAAAA: .*\(nobody waits to be let in\)/,
    );
    const old = book.tell({ ...kim, id: '5550002' }, 'Old', Date.now() - hour - 1);
    expect(await reasonOf(pairing(old))).toMatch(/code .* of telegram sender 5550002 \(Old\) has expired/);
    const code = book.tell(kim, 'Kim');
    expect(await reasonOf(pairing('AAAAAAAA'))).toContain('1 wait with other codes: telegram sender 5550001 (Kim)');
    expect(await reasonOf(pairing(code, 'whatsapp'))).toMatch(
      /is of channel telegram, not of whatsapp: give --channel telegram/,
    );
    const second = book.tell({ ...kim, account: 'second' });
    expect(await reasonOf(pairing(second))).toMatch(/hears nobody for a code \(its dm policy is "allowlist"\)/);
    const friend = book.tell({ channel: 'reef', account: 'default', id: 'ab' });
    expect(await reasonOf(pairing(friend))).toMatch(/approve ab in the Control UI \(`creel open g42`\)/);
    assert.equal((await stage.run(pairing(code, 'telegram'))).outcome, 'done');
    expect(await reasonOf(pairing(code))).toMatch(/used already/);
    expect(admitted(stage)).toHaveLength(2);
  });

  on('a way back takes out nobody who was let in before, or by somebody else', async (stage) => {
    const book = senders(stage);
    const code = book.tell(kim);
    const lost = await stage.run(pairing(code), at('prove sender', 'do', 'refuse before'));
    assert.equal(lost.outcome, 'undone');
    expect(lost.proofs?.at(-1)?.proof).toBe(
      'telegram sender 5550001 is admitted no more, and gets another code when they write again',
    );
    const again = book.tell(boss);
    const kept = await stage.run(pairing(again), at('prove sender', 'do', 'refuse before'));
    expect(kept.proofs?.at(-1)?.proof).toBe('telegram sender 5550009 was let in before, and stays');
    expect(admitted(stage)).toEqual([boss]);
  });

  on('each of several pairings whose way back waits takes back its own', async (stage) => {
    const book = senders(stage);
    const ids = ['5550011', '5550012'];
    const ran = [];
    for (const id of ids) {
      const change = pairing(book.tell({ ...kim, id }));
      ran.push({ change, result: await stage.run(change) });
    }
    for (const { change, result } of ran) assert.equal((await stage.wayBack(change, result)).outcome, 'done');
    expect(admitted(stage)).toEqual([boss]);
  });

  on('a way back claims nothing of a pairing that is not remembered any more', async (stage) => {
    const book = senders(stage);
    const change = pairing(book.tell(kim));
    const ran = await stage.run(change);
    const { id } = (await stage.world.engine.findContainer(stage.names.container)) ?? { id: '' };
    const write = (content: string) =>
      stage.world.engine.writeFiles(id, stateDirectory, [{ path: senderNotesFile, content, mode: 0o600, uid: 1000 }]);
    const text = (await stage.world.engine.readFile(id, `${stateDirectory}/${senderNotesFile}`)) ?? '';
    let later = text;
    for (let count = 1; count < senderNotes; count += 1)
      later = withSenderNote(readSenderNotes(later), { ...boss, since: Date.now() + count, wasIn: true });
    await write(withSenderNote(readSenderNotes(later), { ...boss, since: Date.now() + 300_000, wasIn: true }));
    for (const content of [undefined, text.slice(0, 40), '[]']) {
      if (content !== undefined) await write(content);
      const { outcome, reason } = await stage.wayBack(change, ran);
      assert.equal(outcome, 'left');
      expect(reason).toMatch(/is not remembered any more. `creel devices g42` lists who is let in/);
      expect(admitted(stage)).toContainEqual(kim);
    }
    await write(later);
    assert.equal((await stage.wayBack(change, ran)).outcome, 'done');
    expect(admitted(stage)).toEqual([boss]);
  });

  on('an owner’s forged memory lets nobody out: the pairing ends, and says so', async (stage) => {
    const change = pairing(senders(stage).tell(kim));
    const { id } = (await stage.world.engine.findContainer(stage.names.container)) ?? { id: '' };
    const forged = { layout: 1, pairings: [{ since: 1, ...boss, wasIn: 'no' }, 7, null] };
    for (const content of [JSON.stringify(forged), '{torn', '[]']) {
      await stage.world.engine.writeFiles(id, stateDirectory, [
        { path: senderNotesFile, content, mode: 0o600, uid: 1000 },
      ]);
      assert.equal((await stage.run(change, at('prove sender', 'do', 'refuse before'))).outcome, 'undone');
      expect(admitted(stage)).toEqual([boss]);
      Object.assign(change, { code: senders(stage).tell(kim) });
    }
  });

  on('shows nobody what moves a cursor, hides or is a secret in what senders call themselves', async (stage) => {
    const secret = stage.world.deps.keys.token(stage.gateway).reveal();
    const code = senders(stage).tell(kim, `\u001B[2A\u001B[2KKim\u202E ${secret}`);
    const { proofs } = await stage.run(pairing(code));
    expect(proofs?.[0]?.proof).toBe(`telegram sender 5550001 (Kim [secret]) waits with code ${code}`);
  });
});

describe('S2-46: take a chat sender out again', () => {
  const under: ChangeUnderProof = {
    operation: unpairSender,
    steps: unpairSenderSteps,
    begin: async (stage) => {
      await settle(stage);
      senders(stage).admit(kim);
      return { kind: 'unpair-sender', sender: kim.id };
    },
    isDone: async (stage) => expect(admitted(stage)).toEqual([boss]),
    isBack: async (stage) => {
      expect(admitted(stage)).toContainEqual(boss);
      await stage.world.activities.findGateway(stage.gateway);
    },
  };
  proveChange(under);

  const on = (title: string, run: (stage: ChangeStage) => Promise<void>) =>
    it.concurrent(title, () =>
      withChangeStage(under, async (stage) => {
        await settle(stage);
        await run(stage);
      }),
    );

  on('takes out of one channel alone when it is named, and says who hears them all the same', async (stage) => {
    const everywhere = ['telegram', 'whatsapp'].map((channel) => ({ ...kim, channel, id: '5550007' }));
    for (const each of everywhere) senders(stage).admit(each);
    const whatsapp = await stage.run({ kind: 'unpair-sender', sender: '5550007', channel: 'whatsapp' });
    expect(whatsapp.proofs?.at(-1)?.proof).toMatch(/not heard any more, and has to ask again$/);
    expect(admitted(stage)).toEqual(expect.arrayContaining([boss, everywhere[0]]));
    const rest = await stage.run({ kind: 'unpair-sender', sender: '5550007' });
    expect(rest.proofs?.at(-1)?.proof).toMatch(/still heard, because allow_from of channel telegram names them$/);
    const named = await stage.run({ kind: 'unpair-sender', sender: '5550007' });
    expect(named.reason).toMatch(/allow_from of channel telegram names them. `creel change g42 --channels`/);
  });

  on('refuses one who was never let in, and one who only waits', async (stage) => {
    senders(stage).tell(kim);
    const reason = async (sender: string) => (await stage.run({ kind: 'unpair-sender', sender })).reason;
    expect(await reason('5550001')).toMatch(/waits and was not let in/);
    expect(await reason('5550099')).toMatch(/sender 5550099 was not let in by a code. `creel devices g42`/);
  });
});
