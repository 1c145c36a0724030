import {
  done,
  fail,
  held,
  hold,
  letIn,
  letInBy,
  loseOperation,
  letGo,
  ownBot,
  ready,
  settled,
  settledAfter,
  takenOut,
} from '../recording/acts.js';
import type { GatewayScenarios } from '../recording/recorded-gateway.js';

const channels = [{ kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom: [], pairSenders: true }] as const;
const pairs = { channels };

/** Chat senders who were told a code, or say so. */
export const senders: GatewayScenarios = {
  'sender-paired': { limits: pairs, asked: [ownBot, ready, letIn], exported: settled },
  'sender-pairing': {
    limits: pairs,
    asked: [ownBot, ready, hold('ensureSender', 'hold after'), letIn],
    exported: held('ensureSender'),
  },
  'sender-unknown': { limits: pairs, asked: [ownBot, ready, letInBy('AAAAAAAA')], exported: settled },
  'sender-went-back': { limits: pairs, asked: [ownBot, ready, fail('probeSender'), letIn], exported: settled },
  'sender-lost': {
    limits: pairs,
    asked: [ownBot, ready, hold('probeSender'), letIn, held('probeSender'), loseOperation, letGo('probeSender')],
    exported: settledAfter('way-back'),
  },
  'sender-unpaired': { limits: pairs, asked: [ownBot, ready, done(letIn), takenOut], exported: settled },
};
