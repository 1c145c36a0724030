import {
  fail,
  held,
  hold,
  letGo,
  loseOperation,
  nextKeyLaid,
  ready,
  rotate,
  rotateToNextKey,
  settled,
  settledAfter,
  strangerPaired,
} from '../recording/acts.js';
import type { GatewayScenarios } from '../recording/recorded-gateway.js';

export const rotations: GatewayScenarios = {
  rotated: { asked: [ready, rotate()], exported: settled },
  rotating: { asked: [ready, hold('probeToken'), rotate()], exported: held('probeToken') },
  'rotated-back': { asked: [ready, fail('probeRefusal'), rotate()], exported: settled },
  'rotation-unwinding': {
    asked: [ready, fail('probeRefusal'), hold('restoreToken'), rotate()],
    exported: held('restoreToken'),
  },
  'rotation-lost': {
    asked: [ready, hold('probeToken'), rotate(), held('probeToken'), loseOperation, letGo('probeToken')],
    exported: settledAfter('way-back'),
  },
  'key-rotated': { asked: [nextKeyLaid, ready, rotateToNextKey], exported: settled },
  'key-rotated-back': { asked: [nextKeyLaid, ready, fail('findStrangers'), rotateToNextKey], exported: settled },
  evicted: { asked: [ready, rotate({ evict: true })], exported: settled },
  'evicted-listed': { asked: [ready, strangerPaired, rotate({ evict: true })], exported: settled },
};
