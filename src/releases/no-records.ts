import type { GatewayRecords } from '../world/deps.js';

/** The records of a world in which no other gateway is asked for. */
export const noRecords: GatewayRecords = {
  keys: async () => undefined,
  releases: async () => [],
  lookAtFleet: async () => ({ members: [], leftOut: [] }),
  gateways: async function* () {},
  see: async () => new Map(),
  standingOn: async function* () {},
  onMachines: async function* () {},
  renameEngine: async () => undefined,
  describe: async () => undefined,
  lines: async function* () {},
  exported: async function* () {},
  isCordoned: async () => false,
  owner: async () => ({ is: 'unknown' }),
  lastSweep: async () => undefined,
  lastReconcile: async () => undefined,
  place: async () => ({ refused: 'there is no ledger' }),
  onHosts: async () => undefined,
  tellFence: async () => undefined,
  request: async () => false,
  standing: async () => undefined,
  withdraw: async () => undefined,
};
