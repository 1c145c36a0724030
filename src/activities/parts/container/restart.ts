import type { Channel } from '../../../domain/channels/channel.js';
import { Refused } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { rotationStopGraceS } from '../../../domain/thresholds.js';
import type { Container } from '../../../ports/docker-engine.js';
import { secretsInForce, writeConfig, type SecretsOver } from '../config/config.js';
import type { Deps } from '../../../world/deps.js';
import { networkOf } from '../network.js';
import { startOnState } from './start.js';
import { stopSaying } from './stop.js';

/** What a restart brings besides what the spec says. */
export type Brought = {
  /** Channels that creel may have written and that the spec does not name. */
  readonly previous?: readonly Channel[];
  /** The secrets: those in force where nothing is said of them, since stored ones are proved by a change alone. */
  readonly secrets?: SecretsOver | 'stored' | undefined;
};

/** Stops, writes the config, and starts: for a release that does not reload it. Every part may be repeated. */
export async function restartWith(
  deps: Deps,
  gateway: Gateway,
  container: Container,
  { previous = [], secrets }: Brought = {},
): Promise<void> {
  const over = secrets === 'stored' ? {} : await secretsInForce(deps, gateway, container, secrets);
  const engine = deps.engineAt(gateway.place);
  if (container.state === 'running') {
    await engine.setRestartPolicy(container.id, 'no');
    await stopSaying(engine, container, rotationStopGraceS);
  }
  await writeConfig(deps, gateway, previous, over);
  if ((await startOnState(deps, gateway, container)) !== 'running') {
    const { port } = await networkOf(deps, gateway);
    throw new Refused(`port ${port} of gateway ${gateway.mark.gateway} was taken while it was restarted`);
  }
  await engine.setRestartPolicy(container.id, 'always');
}
