import { NotYet, Refused, StartOver } from '../domain/errors.js';
import type { Gateway } from '../domain/gateway.js';
import { lastLogLines, readinessMs } from '../domain/thresholds.js';
import type { Container } from '../ports/docker-engine.js';
import { containerOf } from './container.js';
import type { Deps } from './deps.js';
import { networkOf } from './network.js';
import { until } from './until.js';

/**
 * The gateway has started (S0-24, S3-2): the body of its start-up endpoint says so **and** an authenticated WebSocket from inside
 * has `operator.admin` **and** it is the version that was asked for. A container that ended is told apart by how it ended.
 */
export const probeReadiness = (deps: Deps) =>
  async function probeReadiness(gateway: Gateway): Promise<void> {
    await awaitReady(deps, gateway, readinessMs);
  };

/** Waits until a gateway has started, no longer than it may take. */
export async function awaitReady(deps: Deps, gateway: Gateway, limitMs: number): Promise<void> {
  const { mark, place, spec } = gateway;
  const token = deps.keys.token(gateway);
  const { port } = await networkOf(deps, gateway);
  const wait = { what: `gateway ${mark.gateway} is not ready`, paceMs: 150, limitMs };
  await until(wait, deps.signal(), async () => {
    const container = await containerOf(deps, gateway);
    if (container.state !== 'running') await judgeEnd(deps, gateway, container);
    await deps.door.probeStartup({ place, port });
    const knock = await deps.door.callInside({ place, container: container.name, token }, []);
    if (knock.kind !== 'open') {
      throw new Refused(
        `gateway ${mark.gateway} turned its own operator away (${knock.kind}): its config is not the one that was written. See docs/runbook.md#token-mismatch`,
      );
    }
    if (knock.hello.version !== spec.release) {
      throw new Refused(
        `gateway ${mark.gateway} runs ${knock.hello.version}, asked for was ${spec.release}: the image is not what the catalogue says`,
      );
    }
    if (!knock.hello.scopes.includes('operator.admin')) {
      throw new Refused(
        `gateway ${mark.gateway} gives its own operator no operator.admin (${knock.hello.scopes.join(' ') || 'no scopes'})`,
      );
    }
  });
}

/**
 * Waits until a gateway that has served before serves again. That it ends by itself is no verdict on it, because an engine
 * or a host that restarts ends it too: the next attempt starts it again.
 */
export async function awaitReadyAgain(deps: Deps, gateway: Gateway, limitMs: number): Promise<void> {
  try {
    await awaitReady(deps, gateway, limitMs);
  } catch (error) {
    if (error instanceof StartOver) throw new NotYet(`${error.message}. It is started again`, { cause: error });
    throw error;
  }
}

/** Exit 78 is a fault of configuration or state that no restart mends, and so is too little memory; anything else gets another start. */
async function judgeEnd(deps: Deps, gateway: Gateway, container: Container): Promise<never> {
  if (container.state === 'other') throw new NotYet(`container ${container.name} is between states`);
  const log = (await deps.engineAt(gateway.place).lastLog(container.id, lastLogLines)).trim();
  const tail = log === '' ? 'It logged nothing' : `Its last lines: ${log}`;
  if (container.outOfMemory) {
    throw new Refused(
      `gateway ${gateway.mark.gateway} ran out of its ${gateway.spec.memoryMb} MB while it started. Give it more memory. ${tail}`,
    );
  }
  if (container.exitCode === 78) {
    throw new Refused(`gateway ${gateway.mark.gateway} refuses to start (exit 78: configuration or state). ${tail}`);
  }
  throw new StartOver(`container ${container.name} ended with exit ${container.exitCode}. ${tail}`);
}
