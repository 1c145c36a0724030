import { NotYet, Refused, StartOver } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { masked } from '../../../domain/heard.js';
import type { Drift } from '../../../domain/gateway/owned-keys.js';
import { isVersion, type Release } from '../../../domain/release/release.js';
import { runsRelease } from '../../../domain/gateway/state-mark.js';
import { isVerdict } from '../../../domain/gateway/verdict.js';
import { configLookMs, lastLogCharacters, lastLogLines, readinessMs, stopGraceS } from '../../../domain/thresholds.js';
import type { Container } from '../../../ports/docker-engine.js';
import { configText } from '../config/config.js';
import { containerOf } from './container.js';
import { CrashWatch } from './crash-watch.js';
import type { Deps } from '../../../world/deps.js';
import { knownSecrets } from '../door/known-secrets.js';
import { networkOf } from '../network.js';
import { blamed, driftOf } from '../config/owned.js';
import { revive } from './revival.js';
import { Turn } from '../../fleet/turn.js';
import { until } from '../../../world/until.js';
import { stopSaying } from './stop.js';
import { catalogueOf } from '../catalogue.js';

/**
 * The gateway has started (S0-24, S3-2): its start-up endpoint says so in the body **and** an authenticated WebSocket
 * from inside has `operator.admin` **and** it is the version that was asked for. A container that has ended is judged
 * by how it ended.
 */
export async function probeReadiness(deps: Deps, gateway: Gateway): Promise<void> {
  await revive(deps, gateway);
  await awaitReady(deps, gateway, readinessMs);
}

/**
 * Waits until a gateway has started, within its limit, which is never shorter than any start, or this release's, may
 * take (S3-20).
 */
export async function awaitReady(deps: Deps, gateway: Gateway, limitMs: number): Promise<void> {
  const { mark, place, spec } = gateway;
  const token = deps.keys.token(gateway);
  const { port } = await networkOf(deps, gateway);
  const watch = new CrashWatch();
  const config = new Turn(configLookMs);
  const besides = async () => lastLines(deps, gateway, await containerOf(deps, gateway));
  const floorMs = Math.max(deps.startPeriodMs, (await releaseOf(deps, gateway))?.readyMs ?? 0);
  const wait = {
    what: `gateway ${mark.gateway} is not ready`,
    paceMs: 150,
    limitMs: Math.max(limitMs, floorMs),
    besides,
  };
  await until(wait, deps.signal(), async () => {
    const container = await containerOf(deps, gateway);
    if (watch.loops(container)) await endLoop(deps, gateway, container, watch);
    if (container.state !== 'running') await judgeEnd(deps, gateway, container);
    await deps.door.probeStartup({ place, port }).catch(async (error: unknown) => {
      throw config.isDue() ? blamed(gateway, await lookAtConfig(deps, gateway, container), error) : error;
    });
    const knock = await deps.door.callInside({ place, container: container.name, token }, []);
    if (knock.kind !== 'open') {
      throw new Refused(
        `gateway ${mark.gateway} turned its own operator away (${knock.kind}): its config is not the one that was written. See docs/runbook.md#token-mismatch`,
      );
    }
    if (knock.hello.version !== spec.release) throw anotherRelease(gateway, knock.hello.version);
    if (!knock.hello.scopes.includes('operator.admin')) {
      throw new Refused(
        `gateway ${mark.gateway} gives its own operator no operator.admin (${knock.hello.scopes.join(' ') || 'no scopes'})`,
      );
    }
  });
}

/**
 * How long the first start of a release after an upgrade may take: what was asked for, or what the catalogue says of
 * its migration.
 */
export async function firstReadyMs(deps: Deps, gateway: Gateway, askedMs: number): Promise<number> {
  return Math.max(askedMs, (await releaseOf(deps, gateway))?.firstReadyMs ?? 0);
}

async function releaseOf(deps: Deps, { spec }: Gateway): Promise<Release | undefined> {
  return (await catalogueOf(deps)).find(({ version }) => version === spec.release);
}

/**
 * Whatever is wrong in the config of a gateway that does not answer, so that the wait need not run out before it is
 * reported.
 */
async function lookAtConfig(deps: Deps, gateway: Gateway, container: Container): Promise<Drift[]> {
  return driftOf(deps, gateway, await configText(deps, gateway, container));
}

/**
 * Waits until a gateway that has served before serves again. That it ends is no verdict on it: an engine or a host that
 * restarts ends it, too, and the next attempt starts it again.
 */
export async function awaitReadyAgain(deps: Deps, gateway: Gateway, limitMs: number): Promise<void> {
  try {
    await awaitReady(deps, gateway, limitMs);
  } catch (error) {
    if (error instanceof StartOver) throw new NotYet(`${error.message}. It is started again`, { cause: error });
    throw error;
  }
}

/** A verdict on config or state is mended by no restart; too little memory is no better. Any other end gets another start. */
async function judgeEnd(deps: Deps, gateway: Gateway, container: Container): Promise<never> {
  const { name, state, exitCode, outOfMemory } = container;
  if (state === 'other' || state === 'paused') throw new NotYet(`container ${name} is between states`);
  const log = await deps.engineAt(gateway.place).lastLog(container.id, lastLogLines);
  const final = outOfMemory || isVerdict(exitCode, log);
  if (state === 'restarting' && !final)
    throw new NotYet(`container ${name} ended with exit ${exitCode}, and the engine starts it again`);
  const tail = await lastLines(deps, gateway, container);
  if (state === 'restarting') await stopForGood(deps, gateway, container);
  if (final) throw hopeless(gateway, container, tail);
  throw new StartOver(`container ${name} ended with exit ${exitCode}. ${tail}`);
}

function hopeless({ mark, spec }: Gateway, { outOfMemory }: Container, tail: string): Refused {
  const denied = /EACCES[^\n]*/.exec(tail)?.[0];
  if (denied !== undefined && !outOfMemory)
    return new Refused(
      `gateway ${mark.gateway} refuses to start (exit 78): it may not read a file of its own state (${denied}), which somebody has handed to another user. See docs/runbook.md#handed-to-root. ${tail}`,
    );
  return outOfMemory
    ? new Refused(
        `gateway ${mark.gateway} ran out of its ${spec.memoryMb} MB while it started. Give it more memory. ${tail}`,
      )
    : new Refused(`gateway ${mark.gateway} refuses to start (exit 78: configuration or state). ${tail}`);
}

/**
 * Ends a crash loop: the container is stopped, the engine no longer restarts it, and its last lines are in the refusal.
 */
async function endLoop(deps: Deps, gateway: Gateway, container: Container, watch: CrashWatch): Promise<never> {
  const tail = await lastLines(deps, gateway, container);
  await stopForGood(deps, gateway, container);
  const { outOfMemory } = container;
  if (outOfMemory || isVerdict(watch.exitCode, tail)) throw hopeless(gateway, container, tail);
  const exit = watch.exitCode === undefined ? '' : `exit ${watch.exitCode}, `;
  throw new Refused(
    `gateway ${gateway.mark.gateway} ends by itself as often as it is started (${exit}${container.restartCount} restarts): it was stopped. Mend what its last lines name, then \`creel provision ${gateway.mark.gateway}\`. ${tail}`,
  );
}

async function stopForGood(deps: Deps, gateway: Gateway, container: Container): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  await engine.setRestartPolicy(container.id, 'no');
  await stopSaying(engine, container, stopGraceS);
}

/** What a container said last, as the end of a sentence. */
export async function lastLines(deps: Deps, gateway: Gateway, container: Container): Promise<string> {
  const text = await deps.engineAt(gateway.place).lastLog(container.id, lastLogLines);
  const log = masked(text, await knownSecrets(deps, gateway)).trim();
  return log === '' ? 'It logged nothing' : `Its last lines: ${log.slice(-lastLogCharacters)}`;
}

/** The refusal of a gateway that runs another release than was asked for, with the remedy. */
function anotherRelease({ mark, spec }: Gateway, runs: string): Refused {
  const { gateway: id, birth } = mark;
  const remedy = isVersion(runs)
    ? `, or it was upgraded since its gateway.toml was written: then \`creel provision ${id} -f gateway.toml --birth ${birth} --release ${runs}\` takes it up with that release`
    : '';
  return new Refused(
    `gateway ${id} ${runsRelease(runs)} asked for was ${spec.release}: the image is not what the catalogue says${remedy}`,
  );
}
