import { Away, NotYet, Refused } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { machineNames } from '../../../domain/hosts/machine.js';
import type { Placed } from '../../../wire/answer.js';
import type { Deps } from '../../../world/deps.js';
import { until } from '../../../world/until.js';
import { machineAt, machinesOf } from './own-machine.js';

/**
 * The machine runs, has an address, shows the host keys that its provider knows, and has prepared itself; and which
 * engine is on it, by its own id. Another one than on record is `Foreign`; one that other gateways stand on is a copy,
 * and `Refused`. A machine that is not there after its limit is `Refused` with what was missing.
 */
export async function probeMachine(deps: Deps, gateway: Gateway): Promise<Placed> {
  const { machine } = machineNames(gateway.mark);
  const { provider, bootMs, paceMs } = machinesOf(deps);
  const wait = {
    what: `machine ${machine} is not ready; see docs/runbook.md#machine-not-ready`,
    paceMs,
    slowsToMs: 10 * paceMs,
    limitMs: bootMs,
  };
  return await until(wait, deps.signal(), async () => {
    const { address } = await provider.probeMachine(machineAt(gateway));
    const engine = await booting(gateway, () => engineOf(deps, gateway));
    await demandOwnEngine(deps, gateway, engine);
    return { proof: `machine ${machine} at ${address} has engine ${engine}`, engine };
  });
}

async function engineOf(deps: Deps, { place }: Gateway): Promise<string> {
  if (!(await deps.hosts.isPrepared(place))) throw new NotYet(`machine ${place.host} is preparing itself`);
  return (await deps.hosts.readHost(place)).engineId;
}

/** A machine that boots for the first time answers nobody: that is what is waited for, and no outage. */
async function booting<T>({ place }: Gateway, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Away && place.engine === undefined) throw new NotYet(error.message, { cause: error });
    throw error;
  }
}

async function demandOwnEngine(deps: Deps, { mark }: Gateway, engine: string): Promise<void> {
  const [served, standing] = await Promise.all([deps.findEngines(), deps.gatewaysOn(engine)]);
  const others = standing.filter((id) => id !== mark.gateway);
  const host = served.find((each) => each.engine === engine)?.host;
  if (host === undefined && others.length === 0) return;
  const { machine } = machineNames(mark);
  throw new Refused(
    `two machines claim engine ${engine}: ${machine} and ${host ?? `that of ${others.slice(0, 3).join(', ')}`}. Disks that were cloned share the id of their engine: give one an id of its own; see docs/runbook.md#two-machines-one-engine`,
  );
}
