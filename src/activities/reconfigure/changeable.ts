import { reconfigured, type Reconfiguration } from '../../domain/changes/reconfiguration.js';
import { Refused } from '../../domain/errors.js';
import type { Changing } from '../../domain/gateway/changing.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import type { Container } from '../../ports/docker-engine.js';
import type { Deps } from '../../world/deps.js';
import { configText } from '../parts/config/config.js';
import { demandOwned } from '../parts/config/owned.js';
import { containerOf } from '../parts/container/container.js';
import { openSession } from '../parts/door/operator.js';
import { demandHost } from '../parts/host/host.js';

/** A gateway that serves and may be given its next spec: as it will be, its container, and the text of its config. */
export type Changeable = { readonly next: Gateway; readonly container: Container; readonly text: string | undefined };

/** `Refused` before anything is touched, unless the gateway serves and what its next spec refers to is there. */
export async function demandChangeable(deps: Deps, gateway: Changing<Reconfiguration>): Promise<Changeable> {
  const id = gateway.mark.gateway;
  const next = reconfigured(gateway);
  const container = await containerOf(deps, gateway);
  if (container.state !== 'running')
    throw new Refused(`gateway ${id} does not run. \`creel provision ${id}\` repairs it; nothing was touched`);
  const text = await configText(deps, gateway, container);
  await demandOwned(deps, gateway, text);
  await demandOwned(deps, next, text);
  (await openSession(deps, gateway)).close();
  await demandHost(deps, next);
  return { next, container, text };
}
