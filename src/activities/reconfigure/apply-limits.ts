import type { Changing } from '../../domain/gateway/changing.js';
import { Refused } from '../../domain/errors.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { reconfigured, type Reconfiguration } from '../../domain/changes/reconfiguration.js';
import { memoryMarginMb } from '../../domain/thresholds.js';
import { containerOf, ensureRestartPolicy } from '../parts/container/container.js';
import type { Deps } from '../../world/deps.js';
import { demandHost } from '../parts/host/host.js';
import { openSession } from '../parts/door/operator.js';

/**
 * Refuses other limits before anything is touched: the gateway serves, its host has what is asked, and it holds less
 * memory than it may have afterwards.
 */
export async function probeLimits(deps: Deps, gateway: Changing<Reconfiguration>): Promise<string> {
  const id = gateway.mark.gateway;
  const container = await containerOf(deps, gateway);
  if (container.state !== 'running')
    throw new Refused(`gateway ${id} does not run. \`creel provision ${id}\` repairs it; nothing was touched`);
  (await openSession(deps, gateway)).close();
  await demandHost(deps, reconfigured(gateway));
  const held = await demandMargin(deps, gateway, container.id);
  return `serving, holds ${held} of ${container.memoryMb} MB`;
}

/** The running container has the limits of the next spec, read back from the engine, and was not stopped for them. */
export async function ensureLimits(deps: Deps, gateway: Changing<Reconfiguration>): Promise<string> {
  const said = await giveLimits(deps, reconfigured(gateway));
  const grows = gateway.change.to.memoryMb !== gateway.spec.memoryMb;
  return `${said}, without a restart${grows ? '; the size of its heap follows at its next start' : ''}`;
}

/** The container has the limits on record again, and serves. */
export async function restoreLimits(
  deps: Deps,
  { change: _change, ...gateway }: Changing<Reconfiguration>,
): Promise<string> {
  const said = await giveLimits(deps, gateway);
  (await openSession(deps, gateway)).close();
  return `${said} again, proved serving`;
}

async function giveLimits(deps: Deps, gateway: Gateway): Promise<string> {
  const { memoryMb, cpus } = gateway.spec;
  const before = await containerOf(deps, gateway);
  if (before.memoryMb !== memoryMb || before.cpus !== cpus)
    await deps.engineAt(gateway.place).updateContainer(before.id, { memoryMb, cpus });
  const now = await containerOf(deps, gateway);
  if (now.memoryMb !== memoryMb || now.cpus !== cpus)
    throw new Error(`container ${now.name} reads back ${now.memoryMb} MB and ${now.cpus} cpus, asked for was other`);
  await ensureRestartPolicy(deps, gateway);
  return `${memoryMb} MB and ${cpus} cpus in force`;
}

/** A kernel that accepts a limit below what is held would kill the gateway at once. */
async function demandMargin(deps: Deps, gateway: Changing<Reconfiguration>, containerId: string): Promise<string> {
  const held = await deps.engineAt(gateway.place).findMemoryInUse(containerId);
  if (held === undefined) return 'an unknown part';
  const used = Math.ceil(held);
  const { memoryMb } = gateway.change.to;
  if (memoryMb >= gateway.spec.memoryMb || memoryMb >= used + memoryMarginMb) return String(used);
  throw new Refused(
    `gateway ${gateway.mark.gateway} holds ${used} MB now; below ${used + memoryMarginMb} MB it could be killed while it serves, and ${memoryMb} MB were asked for. Ask for more; nothing was touched`,
  );
}
