import { Foreign } from '../../domain/errors.js';
import { carries, names, type Gateway, type Labels } from '../../domain/gateway/gateway.js';
import type { Container, Volume } from '../../ports/docker-engine.js';
import type { Deps } from '../../world/deps.js';

/** The container of this name, which is the gateway's; one without our mark is `Foreign`. */
export async function findOurs(deps: Deps, gateway: Gateway, name: string): Promise<Container | undefined> {
  const found = await deps.engineAt(gateway.place).findContainer(name);
  demandOurs('container', name, found?.labels, gateway);
  return found;
}

/** The volume of this name, which is the gateway's; one without our mark is `Foreign`. */
export async function findOurVolume(deps: Deps, gateway: Gateway, name: string): Promise<Volume | undefined> {
  const found = await deps.engineAt(gateway.place).findVolume(name);
  demandOurs('volume', name, found?.labels, gateway);
  return found;
}

/** Whether the gateway's own container runs: then it has what a start needs, and needs it no more. */
export async function runs(deps: Deps, gateway: Gateway): Promise<boolean> {
  return (await findOurs(deps, gateway, names(gateway.mark).container))?.state === 'running';
}

/** `Foreign` when something of our name exists without our mark. */
export function demandOurs(kind: string, name: string, labels: Labels | undefined, gateway: Gateway): void {
  if (labels === undefined || carries(labels, gateway.mark)) return;
  throw new Foreign(`${kind} ${name} exists without our mark. Will not touch it; see docs/runbook.md#foreign-resource`);
}
