import assert from 'node:assert/strict';
import { expect } from 'vitest';
import type { Sender } from '../../src/domain/channels/paired-senders.js';
import type { SenderDeed } from '../../src/ports/gateway-door.js';
import type { GatewayAtHand } from './door/door-contract.js';

/** A chat sender who was told a code is let in by it and taken out again, once each; another code changes nothing. */
export async function letInAndTakeOut(gateway: GatewayAtHand): Promise<void> {
  const [kim, other] = ['5550001', '5550002'].map((id): Sender => ({ channel: 'telegram', account: 'default', id }));
  assert.ok(kim && other);
  const visit = (deed: SenderDeed) => gateway.door.visitSenders(gateway.inside, ['telegram', 'whatsapp'], deed);
  const { now, waiting, admitted } = await visit({ kind: 'none' });
  expect([waiting, admitted]).toEqual([[], []]);
  const [code, second] = [await gateway.tellSender(kim, 'Kim'), await gateway.tellSender(other, '')];
  const recently = expect.toSatisfy((ms: number) => ms > now - 1_000 && ms < now + 120_000);
  const waits = (who: Sender, told: string, name: string) => ({ ...who, code: told, name, askedAtMs: recently });
  const both = { waiting: [waits(kim, code, 'Kim'), waits(other, second, '')], admitted: [] };
  expect(await visit({ kind: 'approve', ...kim, code: 'AAAAAAAA' })).toMatchObject(both);
  const letIn = { waiting: [waits(other, second, '')], admitted: [kim] };
  expect(await visit({ kind: 'approve', ...kim, code })).toMatchObject(letIn);
  expect(await visit({ kind: 'approve', ...kim, code })).toMatchObject(letIn);
  expect(await visit({ kind: 'remove', ...other })).toMatchObject(letIn);
  const out = { waiting: [waits(other, second, '')], admitted: [] };
  expect(await visit({ kind: 'remove', ...kim })).toMatchObject(out);
  expect(await visit({ kind: 'remove', ...kim })).toMatchObject(out);
}
