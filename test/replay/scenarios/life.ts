import {
  continuedAsNew,
  done,
  fail,
  held,
  heldBack,
  hold,
  letGo,
  loseContainer,
  lostAndTakenUp,
  parked,
  provision,
  ready,
  remove,
  say,
  settled,
  undoTimedOut,
} from '../recording/acts.js';
import type { GatewayScenarios } from '../recording/recorded-gateway.js';

const hourMs = 3_600_000;
const waits = { parkMs: hourMs };
const keeps = { keepStateMs: hourMs };

/** Removed by an undo of which the first attempt timed out, and asked for again. */
const restoredAtOnce = [
  ready,
  hold('removeContainer'),
  remove(),
  held('removeContainer'),
  undoTimedOut,
  done(letGo('removeContainer')),
  provision({ how: 'restore' }),
];

/** From the first request of a gateway to its removal, and what comes after. */
export const lives: GatewayScenarios = {
  idle: { asked: [provision()], exported: settled },
  running: { asked: [hold('probeReadiness'), provision()], exported: held('probeReadiness') },
  parked: { limits: waits, asked: [fail('ensureOperator'), provision()], exported: parked },
  retried: {
    limits: waits,
    asked: [fail('ensureOperator'), provision(), parked, letGo('ensureOperator'), say('retry')],
    exported: settled,
  },
  unwinding: {
    asked: [fail('ensureOperator'), hold('removeNetwork'), provision()],
    exported: held('removeNetwork'),
  },
  undone: { asked: [fail('findGateway'), provision()], exported: settled },
  removed: { asked: [ready, remove()], exported: settled },
  kept: { limits: keeps, asked: [ready, remove()], exported: settled },
  restored: { limits: keeps, asked: [ready, done(remove()), provision({ how: 'restore' })], exported: settled },
  repaired: { asked: [ready, loseContainer, provision()], exported: settled },
  'pre-empted': {
    asked: [hold('probeReadiness'), provision(), held('probeReadiness'), remove(), letGo('probeReadiness')],
    exported: settled,
  },
  renewed: { asked: [ready, continuedAsNew], exported: settled },
  'taken-up': { asked: [ready, lostAndTakenUp()], exported: settled },
  held: { limits: keeps, asked: restoredAtOnce, exported: heldBack },
  'held-removed': { limits: keeps, asked: [...restoredAtOnce, heldBack, remove({ purge: true })], exported: settled },
  'held-restored': { limits: keeps, asked: restoredAtOnce, exported: settled },
};
