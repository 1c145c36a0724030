import type { Channel } from '../../../domain/channels/channel.js';
import { Refused } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { rotationStopGraceS } from '../../../domain/thresholds.js';
import type { Container } from '../../../ports/docker-engine.js';
import { writeConfig } from '../config/config.js';
import type { Deps } from '../../../world/deps.js';
import { networkOf } from '../network.js';
import { startOnState } from './start.js';
import { stopSaying } from './stop.js';

/** For a release that does not take a config up while it runs: stopped, written, started. Each part is asked again without harm. */
export async function restartWith(
  deps: Deps,
  gateway: Gateway,
  container: Container,
  former: readonly Channel[] = [],
): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  if (container.state === 'running') {
    await engine.setRestartPolicy(container.id, 'no');
    await stopSaying(engine, container, rotationStopGraceS);
  }
  await writeConfig(deps, gateway, former);
  if ((await startOnState(deps, gateway, container)) !== 'running') {
    const { port } = await networkOf(deps, gateway);
    throw new Refused(`port ${port} of gateway ${gateway.mark.gateway} was taken while it was restarted`);
  }
  await engine.setRestartPolicy(container.id, 'always');
}
