import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { Refused } from '../domain/errors.js';
import { firewallFor } from '../domain/hosts/firewall.js';
import type { FleetSlot } from '../domain/hosts/fleet-key.js';
import type { SpendCeiling } from '../domain/hosts/spend.js';
import { readTomlFile, saidAt } from './toml-file.js';

/** How machines are bought at Lightsail and reached. Credentials are what Amazon's own tools find. */
export type LightsailSetting = {
  /** The networks that the workers come from. */
  readonly workers: readonly string[];
  /** The keys that open machines. The first opens those that are bought from now on. */
  readonly keys: readonly { readonly slot: FleetSlot; readonly identityFile: string }[];
  /** Images come through the worker; undefined where machines ask registries themselves. */
  readonly pull?: 'worker' | undefined;
  /** How many machines there may be, and what they may cost a month; no limit when absent. */
  readonly ceiling?: SpendCeiling;
  /** Undefined: Amazon's own. */
  readonly endpoint: string | undefined;
};

const form = z.strictObject({
  workers: z
    .array(
      z.string('must be a network in quotes'),
      'must be a list of networks in quotes, for example ["198.51.100.7/32"]',
    )
    .default([]),
  pull: z.literal('worker', 'must be "worker", or be left out').optional(),
  fleet_key: z
    .array(
      z.strictObject({
        slot: z.enum(['a', 'b'], 'must be "a" or "b"'),
        identity: z.string().min(1, 'must be the file of a private key'),
      }),
    )
    .max(2, 'has two slots: a and b')
    .default([]),
  ceiling: z
    .strictObject({
      machines: z.int('must be a whole number of machines').positive('must be more than 0').exactOptional(),
      monthly_usd: z.number('must be a number of USD, for example 200').positive('must be more than 0').exactOptional(),
    })
    .optional(),
});

/**
 * What the named file says, or else the one in the usual place, where a missing one means that no machines are bought;
 * `Refused` with what is wrong in it. A key file is named from the directory of this file, and read when it is needed.
 */
export function readLightsail(
  named: string | undefined,
  usual: string,
  endpoint: string | undefined,
): LightsailSetting | undefined {
  const file = named ?? usual;
  const { workers, pull, fleet_key: keys, ceiling } = readTomlFile(form, { named, usual });
  if (named === undefined && workers.length === 0 && keys.length === 0) return undefined;
  saidAt(`${file}: workers`, () => firewallFor({ workers, ingress: 'none' }));
  if (keys.length === 0) throw new Refused(`${file} names no [[fleet_key]]: nothing would open the machines`);
  if (keys[0]?.slot === keys[1]?.slot) throw new Refused(`${file} names slot ${keys[0]?.slot} twice`);
  const at = (identity: string) => resolve(dirname(file), identity);
  const files = keys.map(({ slot, identity }) => ({ slot, identityFile: at(identity) }));
  return { workers, keys: files, endpoint, ...(pull !== undefined && { pull }), ...ceilingOf(ceiling) };
}

function ceilingOf(written: z.infer<typeof form>['ceiling']): Pick<LightsailSetting, 'ceiling'> {
  if (!written) return {};
  const { machines, monthly_usd: monthlyUsd } = written;
  return { ceiling: { ...(machines !== undefined && { machines }), ...(monthlyUsd !== undefined && { monthlyUsd }) } };
}
