import {
  continuedAsNew,
  done,
  fail,
  held,
  hold,
  letGo,
  loseOperation,
  ready,
  resume,
  settled,
  settledAfter,
  suspend,
} from '../recording/acts.js';
import type { GatewayScenarios } from '../recording/recorded-gateway.js';

/** Gateways that are stopped by a person's word, and serve again by another. */
export const suspensions: GatewayScenarios = {
  suspended: { asked: [ready, suspend], exported: settled },
  suspending: { asked: [ready, hold('ensureSuspension', 'hold after'), suspend], exported: held('ensureSuspension') },
  'suspension-went-back': { asked: [ready, fail('probeSuspended'), suspend], exported: settled },
  'suspension-lost': {
    asked: [ready, hold('probeSuspended'), suspend, held('probeSuspended'), loseOperation, letGo('probeSuspended')],
    exported: settledAfter('way-back'),
  },
  resumed: { asked: [ready, done(suspend), continuedAsNew, resume], exported: settled },
  'resumption-lost': {
    asked: [
      ready,
      done(suspend),
      hold('probeReadiness'),
      resume,
      held('probeReadiness'),
      loseOperation,
      letGo('probeReadiness'),
    ],
    exported: settled,
  },
};
