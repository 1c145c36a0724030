import { Refused } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { deafMs, silentLooks, wedgedStopGraceS } from '../../../domain/thresholds.js';
import type { Container } from '../../../ports/docker-engine.js';
import { containerOf } from './container.js';
import type { Deps } from '../../../world/deps.js';
import { networkOf } from '../network.js';
import { say } from '../../../world/sentence.js';

/**
 * Restarts a gateway whose process lives and answers nothing: stopped, or killed where it does not stop, and started
 * with its hostname. Left alone if it has been up for less time than any start may take (S3-20), or answers one of
 * several looks.
 */
export async function revive(deps: Deps, gateway: Gateway): Promise<void> {
  const container = await containerOf(deps, gateway);
  if (container.state !== 'running' || !(await isWedged(deps, gateway, container))) return;
  const engine = deps.engineAt(gateway.place);
  say(`gateway ${gateway.mark.gateway} runs and answers nothing: it is started again`);
  await engine.setRestartPolicy(container.id, 'no');
  await engine.stopContainer(container.id, wedgedStopGraceS);
  deps.signal()?.throwIfAborted();
  if ((await engine.startContainer(container.id)) === 'running') return;
  const { port } = await networkOf(deps, gateway);
  throw new Refused(`port ${port} of gateway ${gateway.mark.gateway} was taken while it was started again`);
}

async function isWedged(deps: Deps, gateway: Gateway, { startedAt }: Container): Promise<boolean> {
  const upMs = () => Date.now() - Date.parse(startedAt);
  const { port } = await networkOf(deps, gateway);
  for (let look = 1; look <= silentLooks; look += 1) {
    if (upMs() < deps.startPeriodMs) return false;
    const pulse = await deps.door.findPulse({ place: gateway.place, port });
    if (pulse === 'answers') return false;
    if (pulse === 'deaf') return upMs() >= deafMs;
    say(`gateway ${gateway.mark.gateway} takes a connection and says nothing, look ${look} of ${silentLooks}`);
  }
  return true;
}
