import type { Channel } from '../../../domain/channels/channel.js';
import { Refused } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { rotationStopGraceS } from '../../../domain/thresholds.js';
import type { Container } from '../../../ports/docker-engine.js';
import type { KeysOver } from '../config/model-keys.js';
import { writeConfig } from '../config/config.js';
import type { Deps } from '../../../world/deps.js';
import { networkOf } from '../network.js';
import { startOnState } from './start.js';
import { stopSaying } from './stop.js';

/** Stops, writes the config, and starts: for a release that does not reload it. Every part may be repeated. */
export async function restartWith(
  deps: Deps,
  gateway: Gateway,
  container: Container,
  former: readonly Channel[] = [],
  over?: Partial<KeysOver>,
): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  if (container.state === 'running') {
    await engine.setRestartPolicy(container.id, 'no');
    await stopSaying(engine, container, rotationStopGraceS);
  }
  await writeConfig(deps, gateway, former, over);
  if ((await startOnState(deps, gateway, container)) !== 'running') {
    const { port } = await networkOf(deps, gateway);
    throw new Refused(`port ${port} of gateway ${gateway.mark.gateway} was taken while it was restarted`);
  }
  await engine.setRestartPolicy(container.id, 'always');
}
