import { expect, test } from 'vitest';
import { carryLedger, keyOf, promisedOf, readLedger } from '../../../src/domain/hosts/ledger.js';
import type { CarriedLedger } from '../../../src/wire/ledger.js';

/*
 * What the ledger carries when it continues as new: written out, because a newer creel goes on with what an older one began. Fields
 * may be added, and be absent; none may be renamed or dropped, and no letter of a promise may mean another thing.
 */
const carried: CarriedLedger = {
  version: 1,
  countedAt: 1_764_284_570_000,
  hosts: [
    {
      engine: 'e1',
      capacity: { host: 'b1', version: '29.0.0', memoryMb: 8_192, cpus: 16, diskMb: 102_400, cordoned: false },
      cordoned: true,
      promises: 'hwzcpvxgnyAAgAADIACgA',
    },
  ],
};

test('the ledger goes on with what was carried', () => {
  const ledger = readLedger(carried.hosts);
  expect(ledger.get('e1')?.promises).toEqual(
    new Map([
      [keyOf({ gateway: 'g42', birth: '7k3fq2' }), { need: { memoryMb: 2_048, cpus: 2, diskMb: 10_240 }, seen: 'yes' }],
    ]),
  );
  for (const host of ledger.values()) expect(promisedOf(host)).toEqual({ memoryMb: 2_048, cpus: 2, diskMb: 10_240 });
  expect(carryLedger(ledger)).toEqual(carried.hosts);
});
