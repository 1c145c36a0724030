import type { FleetScenarios, RecordedFleet } from '../recording/recorded-fleet.js';

const ended = (fleet: RecordedFleet) => fleet.ended();

/** Runs over three gateways; each begins with the first one done, and the second one held. */
export const fleets: FleetScenarios = {
  'fleet-running': { asked: [], exported: (fleet) => fleet.held() },
  'fleet-paused': {
    asked: [(fleet) => fleet.tell('pause'), (fleet) => fleet.letGo()],
    exported: (fleet) => fleet.settled(),
  },
  'fleet-aborted': { asked: [(fleet) => fleet.tell('abort'), (fleet) => fleet.letGo()], exported: ended },
  'fleet-stopped': { limits: { maxFailed: 0 }, asked: [(fleet) => fleet.failAll()], exported: ended },
  'fleet-renewed': { asked: [(fleet) => fleet.continueAsNew(), (fleet) => fleet.letAllGo()], exported: ended },
};
