import { afterEach, expect, test } from 'vitest';
import { DirectoryMachines } from '../../world/directory-machines.js';
import { removeScratch, scratchDirectory } from '../../world/scratch.js';
import { at, machineContract, region } from './machine-contract.js';

afterEach(removeScratch);

machineContract('machines that are a directory', () => {
  const root = scratchDirectory('creel-machines-');
  const hand = new DirectoryMachines(root);
  return {
    ask: () => new DirectoryMachines(root),
    loseAnswers: async (lost) => hand.become({ lost }),
    holdUp: async () => hand.become({ isHeld: true }),
    letGo: async () => hand.become({ isHeld: false }),
    allow: async (account) => hand.become(account),
    occupy: async (name) => hand.put(region, name, { kind: 'disk' }),
    stopByHand: async (where) => hand.stopByHand(where),
    remark: async (name, mark) => hand.remark(region, name, mark),
    snapshot: async (name, mark) => hand.put(region, name, { kind: 'snapshot', ...(mark && { mark }) }),
    firewallOf: async (where) => hand.firewallOf(where),
    costing: async () =>
      (await hand.listHeld(region)).flatMap(({ kind, name }) =>
        kind === 'machine' || kind === 'snapshot' ? [name] : [],
      ),
  };
});

test('a seller that is away is said to be', async () => {
  const hand = new DirectoryMachines(scratchDirectory('creel-machines-'));
  hand.become({ isAway: true });
  await expect(hand.findMachine(at)).rejects.toMatchObject({
    name: 'NotYet',
    message: expect.stringContaining('no seller'),
  });
});
