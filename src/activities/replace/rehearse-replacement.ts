import { z } from 'zod';
import type { Changing } from '../../domain/gateway/changing.js';
import { Refused } from '../../domain/errors.js';
import { stateDirectory } from '../../domain/gateway/config.js';
import { markLabels, names, type Gateway } from '../../domain/gateway/gateway.js';
import { masked } from '../../domain/heard.js';
import { readPrepared, type Image } from '../../domain/release/image.js';
import {
  liveDirectory,
  rehearsalCommand,
  rehearsalLabel,
  type RehearsalDepth,
  type RehearsalSource,
} from '../../domain/changes/rehearsal.js';
import { replaced, replacementNames, type Replacement } from '../../domain/changes/replacement.js';
import type { Deps } from '../../world/deps.js';
import type { Down } from '../../wire/answer.js';
import { proveStanding } from './set-aside.js';
import { findOurs, findOurVolume } from '../parts/ours.js';
import { knownSecrets } from '../parts/door/known-secrets.js';
import { releaseImageOf } from '../parts/release.js';
import { roomForStart } from './room.js';
import { savedFacts } from './saved-state.js';
import { startTrial, trialUnderWay, type Rehearsal } from '../parts/container/trial.js';

/** A small state is copied in a second; a longer copy is found under way by the next attempt. */
const copyMs = 300_000;

const found = z.object({ problems: z.array(z.string()) });

/**
 * The new container starts on a copy of the state it will get, and reports itself ready, while the previous one serves.
 * Where the host has no room for a second gateway, the release converts and checks the copy, and does not start.
 */
export async function ensureRehearsal(deps: Deps, gateway: Changing<Replacement>): Promise<string> {
  const { change, spec } = gateway;
  return rehearse(deps, {
    next: replaced(gateway),
    label: `${change.kind}-${change.number}`,
    source: await sourceOf(deps, gateway),
    previous: [...(change.takenChannels ?? []), ...spec.channels],
    readyMs: change.readyMs,
  });
}

/**
 * Removes a rehearsal, and has the gateway stand for which it was held: if that went down meanwhile, it is started
 * again.
 */
export async function removeRehearsal(
  deps: Deps,
  gateway: Gateway | Changing<Replacement>,
): Promise<string | Down | undefined> {
  await clearRehearsal(deps, gateway);
  return 'change' in gateway ? proveStanding(deps, gateway) : undefined;
}

/**
 * Runs a rehearsal to its end and returns what was seen. What the gateway refuses to start with is `Refused` in its own
 * words.
 */
export async function rehearse(deps: Deps, rehearsal: Rehearsal): Promise<string> {
  const { next } = rehearsal;
  const underWay = await trialUnderWay(deps, rehearsal);
  const room = underWay ? undefined : await roomForStart(deps, next); // A trial under way has its room.
  if (!underWay) {
    const image = await releaseImageOf(deps, next);
    await copyState(deps, rehearsal, image, room === undefined ? 'start' : 'check');
  }
  const said =
    room === undefined
      ? await startTrial(deps, rehearsal)
      : `${next.spec.release} accepts a copy of the state (not started: ${room})`;
  await clearRehearsal(deps, next);
  return said;
}

/** Removes the container and the copy of a rehearsal. */
export async function clearRehearsal(deps: Deps, gateway: Gateway): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  const own = replacementNames(gateway.mark);
  const container = await findOurs(deps, gateway, own.rehearsal);
  if (container) await engine.removeContainer(container.id);
  const volume = await findOurVolume(deps, gateway, own.trial);
  if (volume) await engine.removeVolume(own.trial);
}

/** A saved state lies in its shelf, where nobody writes to it. */
async function sourceOf(deps: Deps, gateway: Changing<Replacement>): Promise<RehearsalSource> {
  const { take } = gateway.change;
  if (take === undefined) return livingState(gateway);
  await savedFacts(deps, gateway, take);
  return { volume: replacementNames(gateway.mark).savedStates[take], directory: `${liveDirectory}/state` };
}

/** The state on which a gateway runs. */
export function livingState({ mark }: Gateway): RehearsalSource {
  return { volume: names(mark).volume, directory: liveDirectory };
}

async function copyState(deps: Deps, rehearsal: Rehearsal, image: Image, depth: RehearsalDepth): Promise<void> {
  const { next, label, source } = rehearsal;
  const engine = deps.engineAt(next.place);
  const own = replacementNames(next.mark);
  const labels = { ...markLabels(next.mark), [rehearsalLabel]: label };
  await engine.createVolume({ name: own.trial, labels: markLabels(next.mark) });
  const { exitCode, stdout, stderr } = await engine.runErrand({
    name: own.rehearsal,
    labels,
    imageId: image.id,
    command: rehearsalCommand(source, depth, readPrepared(image)?.schemas['state'] !== undefined),
    mounts: [
      { volume: source.volume, target: liveDirectory, readOnly: true },
      { volume: own.trial, target: stateDirectory, readOnly: false },
    ],
    limitMs: copyMs,
  });
  const { problems } = readProblems(next, exitCode, stdout, stderr);
  if (problems.length === 0) return;
  const said = masked(problems.join('; '), await knownSecrets(deps, next));
  throw new Refused(`release ${next.spec.release} does not accept the state of ${next.mark.gateway}: ${said}`);
}

function readProblems(gateway: Gateway, exitCode: number, stdout: string, stderr: string): z.infer<typeof found> {
  const last = stdout.trim().split('\n').at(-1) ?? '';
  if (exitCode === 0) return found.parse(JSON.parse(last));
  throw new Error(
    `the rehearsal for ${gateway.mark.gateway} ended with exit ${exitCode}: ${stderr.trim().slice(-600)}`,
  );
}
