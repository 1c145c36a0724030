import { senderChannel, senderCode, senderId } from '../../domain/channels/paired-senders.js';
import type { SenderPairing, SenderRemoval } from '../../domain/changes/sender-pairing.js';
import { readinessMs } from '../../domain/thresholds.js';
import type { PairSenderRequest, UnpairSenderRequest } from '../../wire/change-requests.js';
import { change } from '../record/operation.js';

const next = { done: (id: string) => [`creel devices ${id}`] };

/** S2-46: a sender of a chat channel who was told a code is let in by a person's word, or nobody is who was not before. */
export const pairSender = change({
  kind: 'pair-sender',
  workflow: 'pairSender',
  phase: 'pairing',
  steps: {
    'check sender': { do: 'probeWaitingSender', pace: 'act' }, // only reads
    'approve sender': { do: 'ensureSender', undo: 'removeSender', pace: 'act' },
    'prove sender': { do: 'probeSender', pace: 'act' }, // only reads
  },
  list: (_change: SenderPairing) => pairSenderSteps,
  check: ({ code, channel }: PairSenderRequest) => {
    senderCode(code);
    senderChannel(channel);
  },
  plan: (_state, _life, { code, channel }, since): SenderPairing => ({
    kind: 'pair-sender',
    code: senderCode(code),
    ...(channel !== undefined && { channel }),
    since,
  }),
  apply: () => undefined, // who is let in is in the gateway's book, and on no record
  within: () => 2 * readinessMs,
  next: { ...next, left: (id) => `creel devices ${id}` },
});

export const pairSenderSteps = ['check sender', 'approve sender', 'prove sender'] as const;

/** What pairing let in is taken back, and that is proved. */
export const unpairSender = change({
  kind: 'unpair-sender',
  workflow: 'unpairSender',
  phase: 'pairing',
  steps: {
    'check admitted': { do: 'probeAdmitted', pace: 'act' }, // only reads
    'shut out sender': { do: 'ensureSenderShutOut', pace: 'act' }, // who is shut out can only ask again
    'prove shut out': { do: 'probeSenderShutOut', pace: 'act' }, // only reads
  },
  list: (_change: SenderRemoval) => unpairSenderSteps,
  check: ({ sender, channel }: UnpairSenderRequest) => {
    senderId(sender);
    senderChannel(channel);
  },
  plan: (_state, _life, { sender, channel }): SenderRemoval => ({
    kind: 'unpair-sender',
    sender,
    ...(channel !== undefined && { channel }),
  }),
  apply: () => undefined, // who is let in is in the gateway's book, and on no record
  within: () => 2 * readinessMs,
  next,
});

export const unpairSenderSteps = ['check admitted', 'shut out sender', 'prove shut out'] as const;
