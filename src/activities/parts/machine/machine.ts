import { Refused } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { firewallFor } from '../../../domain/hosts/firewall.js';
import { launchScript } from '../../../domain/hosts/launch-script.js';
import { machineNames } from '../../../domain/hosts/machine.js';
import { machineGonePaceMs, machineGoneTurnMs, readinessMs } from '../../../domain/thresholds.js';
import type { Deps } from '../../../world/deps.js';
import { until } from '../../../world/until.js';
import { oneAtATime } from './ceiling.js';
import { forgetOrder, noteOrder } from './just-bought.js';
import { orderFor } from './order.js';
import { machineAt, machinesOf } from './own-machine.js';

/**
 * The machine exists, with its mark, made of what the spec asks for; one that is there is adopted, and one that somebody
 * stopped is started. Once its engine is on record, another machine would be another place: one that is gone is `Refused`.
 */
export async function ensureMachine(deps: Deps, gateway: Gateway): Promise<void> {
  const { ceiling } = machinesOf(deps);
  await (ceiling ? oneAtATime(() => buy(deps, gateway)) : buy(deps, gateway));
}

async function buy(deps: Deps, gateway: Gateway): Promise<void> {
  deps.signal()?.throwIfAborted();
  const { provider, fleetKey } = machinesOf(deps);
  const at = machineAt(gateway);
  const { machine } = machineNames(gateway.mark);
  const { newUsd, ...order } = await orderFor(deps, gateway);
  const key = await provider.ensureFleetKey(at.region, at.mark.deployment, fleetKey());
  deps.signal()?.throwIfAborted();
  const fence = { pool: deps.pool.cidr, exceptions: deps.allowed };
  if (newUsd !== undefined) noteOrder(provider, machine, at.region, newUsd);
  try {
    await provider.ensureMachine(at, { ...order, key, launchScript: launchScript({ machine, fence }) });
  } catch (error) {
    if (error instanceof Refused) forgetOrder(provider, machine);
    throw error;
  }
}

/** Nothing of the machine is left that costs or holds a name: neither itself, nor its address, nor a snapshot of it. */
export async function removeMachine(deps: Deps, gateway: Gateway): Promise<void> {
  const at = machineAt(gateway);
  const { machine } = machineNames(gateway.mark);
  const wait = {
    what: `machine ${machine} is not gone`,
    paceMs: machineGonePaceMs,
    slowsToMs: 20 * machineGonePaceMs,
    limitMs: Infinity,
    turnMs: machineGoneTurnMs,
  };
  const { provider } = machinesOf(deps);
  await until(wait, deps.signal(), () => provider.removeMachine(at));
  forgetOrder(provider, machine);
}

/** The machine has an address that outlives a stop, which it can be given once it runs. */
export async function ensureMachineAddress(deps: Deps, gateway: Gateway): Promise<void> {
  const { provider, paceMs, bootMs } = machinesOf(deps);
  const { machine } = machineNames(gateway.mark);
  const wait = {
    what: `machine ${machine} has no static address`,
    paceMs,
    slowsToMs: 10 * paceMs,
    limitMs: Math.min(bootMs, readinessMs),
  };
  await until(wait, deps.signal(), () => provider.ensureAddress(machineAt(gateway)));
}

/** Only the workers get in, by SSH: the gateway itself is reached through that (never 18789). */
export async function ensureFirewall(deps: Deps, gateway: Gateway): Promise<void> {
  const { provider, workers } = machinesOf(deps);
  await provider.ensureFirewall(machineAt(gateway), firewallFor({ workers, ingress: 'none' }));
}

/** No container reads what the provider tells the machine. */
export async function ensureMetadataFence(deps: Deps, gateway: Gateway): Promise<void> {
  await machinesOf(deps).provider.ensureMetadataFence(machineAt(gateway));
}
