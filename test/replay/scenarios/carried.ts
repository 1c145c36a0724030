import {
  continuedAsNew,
  done,
  fail,
  letGo,
  provision,
  provisionToItsEnd,
  ready,
  remove,
  rollBack,
  rotate,
  settled,
  settledAfter,
  upgrade,
} from '../recording/acts.js';
import type { GatewayScenarios } from '../recording/recorded-gateway.js';

const carriedOver = done(continuedAsNew);

/** What a record carries into its next run, and how it goes on there. */
export const carried: GatewayScenarios = {
  'carried-upgraded': {
    asked: [ready, done(upgrade('2026.9.7')), done(rotate()), carriedOver, rollBack],
    exported: settled,
  },
  'carried-left': {
    asked: [
      ready,
      fail('probeDevices'),
      fail('restoreAside'),
      done(upgrade('2026.9.7')),
      carriedOver,
      letGo('probeDevices'),
      letGo('restoreAside'),
      provision(),
    ],
    exported: settledAfter('repair'),
  },
  'carried-kept': {
    limits: { keepStateMs: 3_600_000 },
    asked: [ready, done(remove()), carriedOver, provision({ how: 'restore' })],
    exported: settled,
  },
  'carried-reborn': { asked: [ready, done(remove()), carriedOver, provisionToItsEnd], exported: settled },
};
