import { channelsOff } from '../../../domain/channels/config.js';
import type { Channel } from '../../../domain/channels/channel.js';
import { trialContainer } from '../../../domain/gateway/container.js';
import { NotYet, Refused } from '../../../domain/errors.js';
import { configFile, stateDirectory } from '../../../domain/gateway/config.js';
import { at } from '../../../domain/json.js';
import { names, type Gateway } from '../../../domain/gateway/gateway.js';
import { isVerdict } from '../../../domain/gateway/verdict.js';
import { readPrepared } from '../../../domain/release/image.js';
import {
  liveDirectory,
  refusedKeys,
  rehearsalLabel,
  saysConfigRefused,
  takingOut,
  trialLabel,
  trialMs,
  type RehearsalSource,
} from '../../../domain/changes/rehearsal.js';
import { replacementNames } from '../../../domain/changes/replacement.js';
import { lastLogLines, trialStarts } from '../../../domain/thresholds.js';
import type { Container } from '../../../ports/docker-engine.js';
import { writeOver } from '../config/config.js';
import type { Deps } from '../../../world/deps.js';
import { findOurs } from '../ours.js';
import { lastLines } from './readiness.js';
import { releaseImageOf } from '../release.js';
import { until } from '../../../world/until.js';

/** What is tried before a gateway that serves is stopped for it. */
export type Rehearsal = {
  /** The gateway as it is to be. */
  readonly next: Gateway;
  /** Names the rehearsal: no attempt continues another rehearsal's. */
  readonly label: string;
  readonly source: RehearsalSource;
  /** The channels that creel had written into the copied config, which the next spec may no longer name. */
  readonly previous: readonly Channel[];
  readonly readyMs: number;
};

const path = `${stateDirectory}/${configFile}`;

/** Whether an earlier attempt of the same rehearsal has finished the copy and made its container. */
export async function trialUnderWay(deps: Deps, rehearsal: Rehearsal): Promise<boolean> {
  const found = await trialOf(deps, rehearsal);
  if (!found || found.labels[trialLabel] === undefined) return false;
  if (found.labels[rehearsalLabel] === rehearsal.label) return true;
  await deps.engineAt(rehearsal.next.place).removeContainer(found.id);
  return false;
}

/**
 * Starts the new container on its copy, without network and channels, until it is ready. Two starts at most; a verdict
 * on config or state is one at the first.
 */
export async function startTrial(deps: Deps, rehearsal: Rehearsal): Promise<string> {
  const { next } = rehearsal;
  const began = Date.now();
  await makeTrial(deps, rehearsal);
  const limitMs = trialMs(rehearsal.readyMs);
  const what = `release ${next.spec.release} does not become ready on a copy of the state of ${next.mark.gateway}`;
  const besides = async () => {
    const trial = await trialOf(deps, rehearsal);
    return trial ? lastLines(deps, next, trial) : 'It is gone';
  };
  let starts = 1;
  await until({ what, paceMs: 300, limitMs, besides }, deps.signal(), async () => {
    const trial = await trialOf(deps, rehearsal);
    if (!trial) throw new NotYet('the container of the rehearsal was taken away by another attempt');
    if (trial.state !== 'running') {
      await judgeTrial(deps, rehearsal, trial, starts);
      starts += 1;
    }
    await askTrial(deps, rehearsal);
  });
  const seconds = Math.round((Date.now() - began) / 1000);
  return `${next.spec.release} started on a copy of the state, without network and channels, and was ready by its own word after ${seconds} s`;
}

async function makeTrial(deps: Deps, rehearsal: Rehearsal): Promise<void> {
  const { next, label } = rehearsal;
  const engine = deps.engineAt(next.place);
  const image = await releaseImageOf(deps, next);
  await engine.createContainer(
    trialContainer(next, image.id, { [rehearsalLabel]: label, [trialLabel]: 'yes' }, deps.egress),
  );
  const trial = await trialOf(deps, rehearsal);
  if (!trial) throw new NotYet('the container of the rehearsal was taken away by another attempt');
  if (trial.state !== 'created') return;
  await writeOver(deps, next, trial, rehearsal.previous);
  const text = (await engine.readFile(trial.id, path)) ?? '';
  const content = channelsOff(text, readPrepared(image)?.plugins ?? []);
  await engine.writeFiles(trial.id, stateDirectory, [{ path: configFile, content, mode: 0o600, uid: 1000 }]);
  await engine.startContainer(trial.id);
}

/**
 * A container that ends while it is asked gives no answer; how it ended is what counts, and takes no other attempt to
 * see.
 */
async function askTrial(deps: Deps, rehearsal: Rehearsal): Promise<void> {
  try {
    await demandReady(deps, rehearsal);
  } catch (error) {
    if (error instanceof Refused || error instanceof NotYet) throw error;
    const trial = await trialOf(deps, rehearsal);
    if (trial?.state === 'running') throw error;
    throw new NotYet('the container of the rehearsal ended while it was asked', { cause: error });
  }
}

/** Demands that it reports itself ready, with the token on record, as the release that was asked for. */
async function demandReady(deps: Deps, { next }: Rehearsal): Promise<void> {
  const { place, mark, spec } = next;
  const inside = { place, container: replacementNames(mark).rehearsal, token: deps.keys.token(next) };
  const knock = await deps.door.callInside(inside, []);
  if (knock.kind !== 'open')
    throw new Refused(`release ${spec.release} turned its own operator away on a copy of the state (${knock.kind})`);
  if (knock.hello.version === spec.release) return;
  throw new Refused(
    `release ${spec.release} says on a copy of the state that it runs ${knock.hello.version}, asked for was ${spec.release}: the image is not what the catalogue says`,
  );
}

async function judgeTrial(deps: Deps, rehearsal: Rehearsal, trial: Container, starts: number): Promise<void> {
  const { next } = rehearsal;
  const { exitCode, outOfMemory } = trial;
  const tail = await lastLines(deps, next, trial);
  const log = await deps.engineAt(next.place).lastLog(trial.id, lastLogLines);
  const isFinal = outOfMemory || isVerdict(exitCode, log) || saysConfigRefused(tail) || starts >= trialStarts;
  if (!isFinal) {
    await deps.engineAt(next.place).startContainer(trial.id);
    return;
  }
  const { mark, spec } = next;
  const why = outOfMemory ? `it ran out of its ${spec.memoryMb} MB` : `exit ${exitCode}`;
  throw new Refused(
    `release ${spec.release} does not start on a copy of the state of ${mark.gateway} (${why}). ${remedyOf(rehearsal, trial, tail)}${tail}`,
  );
}

/** Stands before the last lines, because a sentence that is cut loses its end. */
function remedyOf(rehearsal: Rehearsal, trial: Container, tail: string): string {
  const keys = refusedKeys(tail);
  const more = 'See docs/runbook.md#rehearsal-refused; nothing was stopped. ';
  if (keys.length === 0) return more;
  const own = keys.filter((key) => at(rehearsal.next.spec.config, key.split('.')) !== undefined);
  if (own.length > 0)
    return `[config] of its spec says ${own.join(', ')}, which it does not know: take that out there, and \`creel change ${rehearsal.next.mark.gateway} --config gateway.toml\`. ${more}`;
  const command = takerOf(rehearsal, trial, keys);
  const remedy = command === undefined ? 'take that out by hand' : `\`${command}\` takes that out`;
  return `Its config has ${keys.join(', ')}, which it does not know: ${remedy}. ${more}`;
}

/**
 * The command that takes keys out of the config that was tried: in the running gateway, or in a saved state, which no
 * running gateway reads.
 */
function takerOf({ next, source }: Rehearsal, { imageId }: Container, keys: readonly string[]): string | undefined {
  const own = names(next.mark);
  const isLiving = source.volume === own.volume;
  const taking = takingOut(`${isLiving ? stateDirectory : source.directory}/${configFile}`, keys);
  if (taking === undefined) return undefined;
  if (isLiving) return `docker exec ${own.container} ${taking}`;
  const image = imageId.replace(/^sha256:/, '').slice(0, 12);
  return `docker run --rm --network none -v ${source.volume}:${liveDirectory} ${image} ${taking}`;
}

async function trialOf(deps: Deps, { next }: Rehearsal): Promise<Container | undefined> {
  return findOurs(deps, next, replacementNames(next.mark).rehearsal);
}
