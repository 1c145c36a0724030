import type { HostScenarios, RecordedHosts } from '../recording/recorded-hosts.js';

const idle = () => undefined;
const used = [
  (hosts: RecordedHosts) => hosts.beginLedger(),
  (hosts: RecordedHosts) => hosts.place('g1', 2_048),
  (hosts: RecordedHosts) => hosts.place('g2', 2_048),
  (hosts: RecordedHosts) => hosts.place('g3', 1_000_000_000),
  (hosts: RecordedHosts) => hosts.cordon(true),
  (hosts: RecordedHosts) => hosts.place('g4', 2_048),
  (hosts: RecordedHosts) => hosts.release('g1'),
];
/** All that a directory host has, but for the gateway of the scenario and a bit. */
const allButMb = 4_194_304 - 100_000;
const parkMs = 3_600_000;
const kept = { parkMs, keepStateMs: 3_600_000 };
const parked = [
  (hosts: RecordedHosts) => hosts.beginLedger(),
  (hosts: RecordedHosts) => hosts.cordon(true),
  (hosts: RecordedHosts) => hosts.provision({ spec: { ...hosts.spec, ...kept } }),
  (hosts: RecordedHosts) => hosts.until(({ park }) => park?.step === 'find a host'),
];
const asked = [
  ...parked,
  (hosts: RecordedHosts) => hosts.cordon(false),
  (hosts: RecordedHosts) => hosts.answer('retry'),
  (hosts: RecordedHosts) => hosts.until(({ phase }) => phase === 'ready'),
];
const more = (hosts: RecordedHosts, memoryMb: number) =>
  hosts.request({ kind: 'change', requestId: `to-${memoryMb}`, origin: 'test', memoryMb });

/** The ledger, gateways that ask it, and the proofs after a restart of a host. */
export const hosts: HostScenarios = {
  'ledger-used': { asked: used, exported: idle },
  'ledger-carried': { asked: [...used, (each) => each.carryLedger(), (each) => each.cordon(false)], exported: idle },
  'place-parked': { asked: parked, exported: idle },
  'place-promised': { asked, exported: (each) => each.settled() },
  'place-aborted': {
    asked: [...parked, (each) => each.answer('abort')],
    exported: (each) => each.settled(),
  },
  'more-refused': {
    asked: [...asked, (each) => each.place('g1', allButMb), (each) => more(each, 150_000)],
    exported: (each) => each.settled(),
  },
  'more-promised': { asked: [...asked, (each) => more(each, 4_096)], exported: (each) => each.settled() },
  'restored-with-room': {
    asked: [
      ...asked,
      (each) => each.remove(),
      (each) => each.settled(),
      (each) => each.provision({ spec: { ...each.spec, ...kept }, how: 'restore' }),
    ],
    exported: (each) => each.settled(),
  },
  'restart-ended': {
    asked: [(each) => each.provision(), (each) => each.settled(), (each) => each.restart()],
    exported: (each) => each.ended(),
  },
  'restart-held': {
    asked: [
      (each) => each.provision(),
      (each) => each.settled(),
      (each) => each.interfere('ensureHost', 'hold before'),
      (each) => each.restart(),
    ],
    exported: (each) => each.held('ensureHost'),
  },
};
