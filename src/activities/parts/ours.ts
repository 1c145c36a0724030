import { Foreign } from '../../domain/errors.js';
import { carries, names, type Gateway, type Labels } from '../../domain/gateway/gateway.js';
import type { Container, Volume } from '../../ports/docker-engine.js';
import type { Deps } from '../../world/deps.js';

/** The gateway's container of this name; one without our mark is `Foreign`. */
export async function findOurs(deps: Deps, gateway: Gateway, name: string): Promise<Container | undefined> {
  const found = await deps.engineAt(gateway.place).findContainer(name);
  demandOurs('container', name, found?.labels, gateway);
  return found;
}

/** The gateway's volume of this name; one without our mark is `Foreign`. */
export async function findOurVolume(deps: Deps, gateway: Gateway, name: string): Promise<Volume | undefined> {
  const found = await deps.engineAt(gateway.place).findVolume(name);
  demandOurs('volume', name, found?.labels, gateway);
  return found;
}

/** Whether the gateway's own container runs: it then has all that a start needs. */
export async function runs(deps: Deps, gateway: Gateway): Promise<boolean> {
  return (await findOurs(deps, gateway, names(gateway.mark).container))?.state === 'running';
}

/** `Foreign` when something under our name does not carry our mark. */
export function demandOurs(kind: string, name: string, labels: Labels | undefined, gateway: Gateway): void {
  if (labels === undefined || carries(labels, gateway.mark)) return;
  throw new Foreign(`${kind} ${name} exists without our mark. Will not touch it; see docs/runbook.md#foreign-resource`);
}
