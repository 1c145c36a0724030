import { Bug, Refused } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import type { MachineAt } from '../../../domain/hosts/machine.js';
import type { MachineWish } from '../../../domain/hosts/machine-wish.js';
import type { Deps } from '../../../world/deps.js';
import type { Machines } from '../../../world/world.js';

/** The seller of machines, as this worker is set up for it, or `Refused`. */
export function machinesOf({ machines }: Pick<Deps, 'machines'>): Machines {
  if (machines) return machines;
  throw new Refused(
    'this worker buys no machines: it has no lightsail.toml with a fleet key and its own networks. Write one (README, "On Lightsail") and start the worker again; see docs/runbook.md#no-machines',
  );
}

/** The machine that a gateway is to have. */
export function wishOf({ spec, mark }: Gateway): MachineWish {
  if (spec.machine) return spec.machine;
  throw new Bug(`${mark.gateway} has no machine of its own`);
}

/** Where a gateway's own machine is bought. */
export function machineAt(gateway: Gateway): MachineAt {
  return { mark: gateway.mark, region: wishOf(gateway).region };
}
