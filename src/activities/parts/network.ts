import { Refused, StartOver } from '../../domain/errors.js';
import { markLabels, names, type Gateway } from '../../domain/gateway/gateway.js';
import { hiddenRoute, slotsFor } from '../../domain/hosts/slot.js';
import type { Network } from '../../ports/docker-engine.js';
import { removeHeld } from './removal.js';
import type { Deps } from '../../world/deps.js';
import { demandOurs } from './ours.js';

const portLabel = 'creel.port';

/**
 * The gateway's own network exists, and with it its port: both come from one slot of the pool, which the engine decides
 * by refusing overlapping subnets, and both are kept for life. A port that is taken before the first start means a new
 * network.
 */
export async function ensureNetwork(deps: Deps, gateway: Gateway): Promise<void> {
  const [kept] = await keepOne(deps, gateway);
  if (kept && !(await isPortLost(deps, gateway, kept))) return;
  if (kept) await letGo(deps, gateway, kept);
  await claimSlot(deps, gateway);
}

/** Removes every network of this life. */
export async function removeNetwork(deps: Deps, gateway: Gateway): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  const { network } = names(gateway.mark);
  for (const found of await engine.findNetworks(network)) {
    demandOurs('network', network, found.labels, gateway);
    await removeHeld(deps, gateway, () => engine.removeNetwork(found.id));
  }
}

/** The network and the port of a gateway, made by an earlier step; when they are gone, `StartOver`. */
export async function networkOf(deps: Deps, gateway: Gateway): Promise<{ network: Network; port: number }> {
  const { network: name } = names(gateway.mark);
  const [network] = await deps.engineAt(gateway.place).findNetworks(name);
  const port = Number(network?.labels[portLabel]);
  if (!network || !Number.isInteger(port))
    throw new StartOver(`network ${name} is gone from host ${gateway.place.host}`);
  return { network, port };
}

/** On an older engine, two attempts at once can leave two networks of one name: the first by id stays. */
async function keepOne(deps: Deps, gateway: Gateway): Promise<Network[]> {
  const engine = deps.engineAt(gateway.place);
  const { network: name } = names(gateway.mark);
  const found = (await engine.findNetworks(name)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  for (const each of found) demandOurs('network', name, each.labels, gateway);
  for (const extra of found.slice(1)) await engine.removeNetwork(extra.id);
  return found.slice(0, 1);
}

async function isPortLost(deps: Deps, gateway: Gateway, network: Network): Promise<boolean> {
  const container = await deps.engineAt(gateway.place).findContainer(names(gateway.mark).container);
  if (container && container.state !== 'created') return false;
  return deps.hosts.isPortTaken(gateway.place, Number(network.labels[portLabel]));
}

/** Removes a network, only before the first start: a container that never ran holds nothing of the customer's. */
async function letGo(deps: Deps, gateway: Gateway, network: Network): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  const own = names(gateway.mark);
  const container = await engine.findContainer(own.container);
  if (container) {
    demandOurs('container', own.container, container.labels, gateway);
    await engine.removeContainer(container.id);
  }
  await engine.removeNetwork(network.id);
}

async function claimSlot(deps: Deps, gateway: Gateway): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  const { network: name } = names(gateway.mark);
  const { routes = [] } = await deps.hosts.readHost(gateway.place);
  for (const slot of slotsFor(deps.pool, name)) {
    deps.signal()?.throwIfAborted();
    if (hiddenRoute(slot.subnet, routes)) continue;
    if (await deps.hosts.isPortTaken(gateway.place, slot.port)) continue;
    const labels = { ...markLabels(gateway.mark), [portLabel]: String(slot.port) };
    const answer = await engine.createNetwork({ name, labels, subnet: slot.subnet });
    if (answer === 'subnet taken') continue;
    await keepOne(deps, gateway);
    return;
  }
  throw new Refused(
    `no free subnet and port in pool ${deps.pool.cidr} on host ${gateway.place.host}. Remove gateways, or give the worker a larger CREEL_SUBNET_POOL, one that the host has no routes to`,
  );
}
