import { done, held, hold, pair, parked, ready, say, settled, turnAway } from '../recording/acts.js';
import type { GatewayScenarios } from '../recording/recorded-gateway.js';

const waits = { parkMs: 3_600_000 };
const reads = ['operator.read'];
const administers = ['operator.admin'];
const briefly = { waitMs: 1_000 };

export const pairings: GatewayScenarios = {
  paired: { limits: waits, asked: [ready, pair(reads)], exported: settled },
  'pairing-waits': { limits: waits, asked: [hold('probePaired'), ready, pair(reads)], exported: held('probePaired') },
  'pairing-parked': { limits: waits, asked: [ready, pair(administers)], exported: parked },
  'pairing-allowed': { limits: waits, asked: [ready, pair(administers), say('allow')], exported: settled },
  'pairing-undone': { limits: waits, asked: [ready, pair(reads, briefly)], exported: settled },
  unpaired: { limits: waits, asked: [ready, done(pair(reads)), turnAway('unpair')], exported: settled },
  denied: { limits: waits, asked: [ready, done(pair(reads, briefly)), turnAway('deny')], exported: settled },
};
