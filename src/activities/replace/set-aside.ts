import type { Down } from '../../wire/answer.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Changing } from '../../domain/gateway/changing.js';
import { Refused, StartOver } from '../../domain/errors.js';
import { names, type Gateway } from '../../domain/gateway/gateway.js';
import { former, replacementNames, type Replacement } from '../../domain/changes/replacement.js';
import { channelsOffMs, formerReadyMs, formerStarts, replacementStopGraceS } from '../../domain/thresholds.js';
import { switchChannels } from '../parts/config/channel-switch.js';
import { writeConfig } from '../parts/config/config.js';
import { ensureContainer, ensureRestartPolicy, isReplaced } from '../parts/container/container.js';
import { removeNamed } from '../parts/removal.js';
import type { Deps } from '../../world/deps.js';
import { findOurs } from '../parts/ours.js';
import { serveAgain } from '../parts/config/last-good.js';
import { openSession } from '../parts/door/operator.js';
import { awaitReady } from '../parts/container/readiness.js';
import { removeReplacement } from './start-replacement.js';
import { demandNoCopy } from '../parts/copier.js';
import { demandFormerState } from '../parts/own-state.js';
import { demandRoom } from './room.js';
import { putBack } from '../parts/saved-state.js';
import { servedBefore } from './saved-state.js';
import { stopSaying } from '../parts/container/stop.js';

/**
 * The previous container is stopped, is not started by the engine, and has made way for the new one under another name.
 * The room for its state is checked again, because an image has arrived since. Channels are switched off first; a
 * gateway that hangs all the same, or no longer serves, is killed, which the stable hostname makes harmless (T1, T3).
 */
export async function ensureAside(deps: Deps, gateway: Changing<Replacement>): Promise<string> {
  const engine = deps.engineAt(gateway.place);
  const own = replacementNames(gateway.mark);
  if (await isReplaced(deps, gateway)) return 'set aside by an earlier attempt';
  const serving = await findOurs(deps, gateway, names(gateway.mark).container);
  if (serving) await removeNamed(deps, gateway, own.former);
  const container = serving ?? (await findOurs(deps, gateway, own.former));
  if (!container) throw new Refused(`the container of ${gateway.mark.gateway} is gone`);
  const isRunning = serving?.state === 'running';
  if (isRunning) await demandRoom(deps, gateway);
  if (isRunning && (await servedBefore(deps, gateway)) && (await switchChannels(deps, gateway, false)))
    await sleep(channelsOffMs, undefined, { signal: deps.signal() });
  deps.signal()?.throwIfAborted();
  await engine.setRestartPolicy(container.id, 'no');
  await stopSaying(engine, container, replacementStopGraceS);
  if ((await engine.renameContainer(container.id, own.former)) === 'name taken')
    throw new Error(`container ${own.former} was made by somebody else meanwhile`);
  const { exitCode } = (await engine.findContainer(own.former)) ?? {};
  return `${gateway.spec.release} stopped (exit ${exitCode ?? 'unknown'}) and set aside as ${own.former}`;
}

/**
 * The previous gateway serves again, proved: its own state, byte for byte as it was saved, its own release and
 * settings, the token on record and creel's device. A container that has vanished is made anew, as it holds nothing of
 * a gateway. One that did not serve before a rollback is put back all the same, and need not serve.
 */
export async function restoreAside(deps: Deps, gateway: Changing<Replacement>): Promise<string | Down> {
  const engine = deps.engineAt(gateway.place);
  const before = former(gateway);
  await removeReplacement(deps, gateway);
  const [own, name] = [replacementNames(gateway.mark), names(gateway.mark).container];
  const found = [await findOurs(deps, gateway, own.former), await findOurs(deps, gateway, name)];
  const runs = found.some((each) => each?.state === 'running');
  if (!runs) await putBack(deps, before, gateway.change.save, gateway.change.number);
  const [aside, serving] = [await findOurs(deps, gateway, own.former), await findOurs(deps, gateway, name)];
  if (aside && !serving) await engine.renameContainer(aside.id, name);
  if (aside && serving) await removeNamed(deps, gateway, own.former);
  if (!runs) await settleOn(deps, gateway, before);
  await ensureContainer(deps, before);
  const served = await servedBefore(deps, gateway);
  const refused = served ? await serveAgain(deps, gateway, before) : undefined;
  const down = served ? undefined : await awaitFormer(deps, before);
  if (down) return down;
  await ensureRestartPolicy(deps, before);
  if (runs) await switchChannels(deps, before, true);
  (await openSession(deps, before)).close();
  const proof = `${before.spec.release} proved serving again with generation ${before.tokenGeneration}, ${runs ? 'never stopped' : 'on its own state'}`;
  return refused === undefined ? proof : { proof: `${proof}; ${refused}`, down: refused };
}

/**
 * Once the container has its own name again, no copy of its state can begin. A copy that a late attempt began before is
 * waited for, and what it brought must not be started on. Only then is anything written there.
 */
async function settleOn(deps: Deps, gateway: Changing<Replacement>, before: Gateway): Promise<void> {
  await demandNoCopy(deps, gateway);
  const holder = await findOurs(deps, gateway, names(gateway.mark).container);
  if (holder) await demandFormerState(deps, gateway, holder);
  await writeConfig(deps, before, [], 'in force');
}

/**
 * Starts a gateway again that went down before it was set aside, and proves that it serves, or reports it down with the
 * reason. Undefined for one that runs, that a rollback found down, or whose container is the replacement's.
 */
export async function proveStanding(deps: Deps, gateway: Changing<Replacement>): Promise<string | Down | undefined> {
  if (gateway.change.kind === 'rollback' || (await isReplaced(deps, gateway))) return undefined;
  const before = former(gateway);
  const container = await findOurs(deps, gateway, names(gateway.mark).container);
  if (container?.state !== 'exited') return undefined;
  await ensureContainer(deps, before);
  const why = await startUntilReady(deps, before, formerStarts, formerReadyMs);
  const { mark, spec } = before;
  if (why !== undefined) {
    const down = `release ${spec.release} went down by itself and does not serve: ${why}. Mend what its last lines name, then \`creel provision ${mark.gateway}\``;
    return { proof: down, down };
  }
  await ensureRestartPolicy(deps, before);
  (await openSession(deps, before)).close();
  return `${spec.release} had gone down by itself, was started again and is proved serving`;
}

async function awaitFormer(deps: Deps, before: Gateway): Promise<Down | undefined> {
  const why = await startUntilReady(deps, before, formerStarts, formerReadyMs);
  if (why === undefined) return undefined;
  const { mark, spec } = before;
  const down = `release ${spec.release} is back on its own state and does not serve: ${why}. \`creel rollback ${mark.gateway}\` asks for the kept release again, \`creel provision ${mark.gateway}\` starts this one again`;
  return { proof: down, down };
}

/** Why a gateway does not serve after all the starts and the time it may have; undefined when it serves. */
async function startUntilReady(
  deps: Deps,
  gateway: Gateway,
  starts: number,
  limitMs: number,
): Promise<string | undefined> {
  const began = Date.now();
  try {
    await awaitReady(deps, gateway, limitMs);
    return undefined;
  } catch (error) {
    if (error instanceof StartOver && starts > 1) {
      await ensureContainer(deps, gateway);
      return startUntilReady(deps, gateway, starts - 1, limitMs - (Date.now() - began));
    }
    if (error instanceof StartOver || error instanceof Refused) return error.message;
    throw error;
  }
}
