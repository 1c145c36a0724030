import {
  change,
  done,
  fail,
  held,
  hold,
  letGo,
  loseOperation,
  lostAndTakenUp,
  parked,
  ready,
  remove,
  rollBack,
  rotate,
  settled,
  settledAfter,
  upgrade,
} from '../recording/acts.js';
import type { GatewayScenarios } from '../recording/recorded-gateway.js';

const hourMs = 3_600_000;
const next = '2026.9.7';
const crashes = '2026.9.8-crashes';
const upgraded = done(upgrade(next));

/** Another container, or another shape of the one that there is. */
export const replacements: GatewayScenarios = {
  upgraded: { asked: [ready, upgrade(next)], exported: settled },
  'upgrade-running': { asked: [ready, hold('probeReplacement'), upgrade(next)], exported: held('probeReplacement') },
  'upgrade-went-back': { asked: [ready, upgrade(crashes)], exported: settled },
  'upgrade-removed': {
    asked: [
      ready,
      hold('ensureSaved', 'hold after'),
      upgrade(next),
      held('ensureSaved'),
      remove(),
      letGo('ensureSaved'),
    ],
    exported: settled,
  },
  'rolled-back': { asked: [ready, upgraded, rollBack], exported: settledAfter('drop-snapshot') },
  'upgraded-briefly': {
    limits: { keepFormerMs: 0 },
    asked: [ready, upgrade(next)],
    exported: settledAfter('drop-snapshot'),
  },
  reconfigured: {
    asked: [ready, done(change('none', { channels: [] })), change('terms', { rotation: 'scheduled' })],
    exported: settled,
  },
  'reconfigure-running': {
    asked: [ready, hold('ensureChannels'), change('none', { channels: [] })],
    exported: held('ensureChannels'),
  },
  reshaped: { asked: [ready, change('more', { memoryMb: 4096 })], exported: settled },
  'upgrade-rehearsing': {
    asked: [ready, hold('ensureRehearsal'), upgrade(next)],
    exported: held('ensureRehearsal'),
  },
  'upgrade-unwinding': {
    asked: [ready, fail('probeDevices'), hold('restoreAside'), upgrade(next)],
    exported: held('restoreAside'),
  },
  'upgrade-parked': {
    limits: { parkMs: hourMs },
    asked: [ready, fail('probeDevices'), fail('removeReplacement'), upgrade(next)],
    exported: parked,
  },
  'way-back-removed': {
    limits: { keepStateMs: hourMs },
    asked: [
      ready,
      hold('probeReplacement'),
      hold('restoreAside'),
      upgrade(next),
      held('probeReplacement'),
      loseOperation,
      letGo('probeReplacement'),
      held('restoreAside'),
      remove(),
      letGo('restoreAside'),
    ],
    exported: settled,
  },
  'taken-up-saved': { asked: [ready, upgraded, lostAndTakenUp(next)], exported: settled },
  'taken-up-evicted': {
    asked: [ready, upgraded, done(lostAndTakenUp(next)), rotate({ evict: true })],
    exported: settledAfter('drop-snapshot'),
  },
  'drop-failed': {
    limits: { keepFormerMs: 0 },
    asked: [fail('ensureDropped'), ready, upgrade(next)],
    exported: settledAfter('drop-snapshot'),
  },
};
