import type { NetScenarios, RecordedNet } from '../recording/recorded-net.js';

const ended = (net: RecordedNet) => net.ended();

/** Sweeps, and a reconciliation. */
export const nets: NetScenarios = {
  'sweep-ended': { asked: [(net) => net.start('sweep')], exported: ended },
  'sweep-dry': { limits: { dryRun: true }, asked: [(net) => net.start('sweep')], exported: ended },
  'sweep-halted': { limits: { mayGo: 0 }, asked: [(net) => net.start('sweep')], exported: ended },
  'sweep-removing': {
    asked: [(net) => net.hold(), (net) => net.start('sweep')],
    exported: (net) => net.held(),
  },
  'reconcile-ended': { asked: [(net) => net.lose(), (net) => net.start('reconcile')], exported: ended },
};
