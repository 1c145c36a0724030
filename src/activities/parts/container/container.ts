import type { Changing } from '../../../domain/gateway/changing.js';
import { gatewayContainer, type ContainerSpec } from '../../../domain/gateway/container.js';
import { Refused, StartOver } from '../../../domain/errors.js';
import { names, type Gateway } from '../../../domain/gateway/gateway.js';
import { replacementLabel, type Replacement } from '../../../domain/changes/replacement.js';
import type { Container } from '../../../ports/docker-engine.js';
import type { Deps } from '../../../world/deps.js';
import { demandOurs, findOurs, runs } from '../ours.js';
import { networkOf } from '../network.js';
import { releaseImageOf } from '../release.js';
import { startOnState } from './start.js';

/**
 * The gateway's container exists, is ours and runs. A stopped one is started again. One that was never started is made
 * anew when its shape has changed, and so is one that can no longer start because its network was made anew.
 */
export async function ensureContainer(deps: Deps, gateway: Gateway): Promise<void> {
  await findAwake(deps, gateway);
  if (await runs(deps, gateway)) return;
  const engine = deps.engineAt(gateway.place);
  const [image, { port }] = await Promise.all([releaseImageOf(deps, gateway), networkOf(deps, gateway)]);
  const spec = gatewayContainer(gateway, image.id, port, deps.egress);
  await dropStale(deps, gateway, spec);
  await engine.createContainer(spec);
  const container = await containerOf(deps, gateway);
  if (container.state === 'running') return;
  if ((await startOrRenew(deps, gateway, container, spec)) === 'running') return;
  if (container.state === 'created')
    throw new StartOver(`port ${port} was taken by another process before the first start`);
  throw new Refused(
    `port ${port} of gateway ${gateway.mark.gateway} is taken by another process on host ${gateway.place.host}. A gateway keeps its port for life: end that process, then \`creel provision ${gateway.mark.gateway}\``,
  );
}

/** Whether the gateway's container is the one that this replacement made. */
export async function isReplaced(deps: Deps, gateway: Changing<Replacement>): Promise<boolean> {
  const found = await deps.engineAt(gateway.place).findContainer(names(gateway.mark).container);
  return found?.labels[replacementLabel] === String(gateway.change.number);
}

/**
 * Has the engine bring a ready gateway back by itself, after a reboot and after a crash of the engine. Until then it
 * must not, and every stop of ours sets `no` first.
 */
export async function ensureRestartPolicy(deps: Deps, gateway: Gateway): Promise<void> {
  const container = await containerOf(deps, gateway);
  if (container.restartPolicy === 'always') return;
  await deps.engineAt(gateway.place).setRestartPolicy(container.id, 'always');
}

/** The gateway's container, if there is one, resumed if somebody paused it. */
export async function findAwake(deps: Deps, gateway: Gateway): Promise<Container | undefined> {
  const engine = deps.engineAt(gateway.place);
  const { container: name } = names(gateway.mark);
  const found = await engine.findContainer(name);
  if (found?.state !== 'paused') return found;
  demandOurs('container', name, found.labels, gateway);
  await engine.unpauseContainer(found.id);
  return engine.findContainer(name);
}

/** The gateway's container, made by an earlier step; when it is gone, `StartOver`. */
export async function containerOf(deps: Deps, gateway: Gateway): Promise<Container> {
  const { container: name } = names(gateway.mark);
  const found = await findOurs(deps, gateway, name);
  if (!found) throw new StartOver(`container ${name} is gone from host ${gateway.place.host}`);
  return found;
}

/**
 * Starts a stopped container. The engine remembers its network by id, so it is made anew if that network is gone;
 * nothing of a gateway is kept in its container.
 */
async function startOrRenew(deps: Deps, gateway: Gateway, container: Container, spec: ContainerSpec) {
  const engine = deps.engineAt(gateway.place);
  try {
    return await startOnState(deps, gateway, container);
  } catch (error) {
    if (!(error instanceof StartOver)) throw error;
    await engine.removeContainer(container.id);
    await engine.createContainer(spec);
    return startOnState(deps, gateway, await containerOf(deps, gateway));
  }
}

async function dropStale(deps: Deps, gateway: Gateway, spec: ContainerSpec): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  const found = await engine.findContainer(spec.name);
  if (!found || found.state !== 'created' || found.labels['creel.shape'] === spec.labels['creel.shape']) return;
  demandOurs('container', spec.name, found.labels, gateway);
  await engine.removeContainer(found.id);
}
