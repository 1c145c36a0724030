import { setTimeout as sleep } from 'node:timers/promises';
import type { Changing } from '../domain/change.js';
import { Refused } from '../domain/errors.js';
import { names, type Gateway } from '../domain/gateway.js';
import { former, replacementNames, type Replacement } from '../domain/replacement.js';
import { channelsOffMs, readinessMs, replacementStopGraceS } from '../domain/thresholds.js';
import type { Container } from '../ports/docker-engine.js';
import { switchChannels } from './channel-switch.js';
import { writeConfig } from './config.js';
import { ensureContainer, ensureRestartPolicy, isReplaced, removeNamed } from './container.js';
import type { Deps } from './deps.js';
import { demandOurs } from './host.js';
import { neverOver } from './never-over.js';
import { openSession } from './operator.js';
import { awaitReadyAgain } from './readiness.js';
import { removeReplacement } from './replacement.js';
import { demandRoom } from './room.js';
import { putBack } from './snapshot.js';

/**
 * The container of before does not run, will not be started by the engine, and has made room for the new one by another
 * name. The room for its state is looked at again, because an image has come since. Channels are switched off first; one that hangs all the same is killed, which the stable hostname makes harmless (T1, T3).
 */
export const ensureAside = (deps: Deps) =>
  async function ensureAside(gateway: Changing<Replacement>): Promise<string> {
    return neverOver(async () => {
      const engine = deps.engineAt(gateway.place);
      const own = replacementNames(gateway.mark);
      if (await isReplaced(deps, gateway)) return 'set aside by an earlier attempt';
      const serving = await findOurs(deps, gateway, names(gateway.mark).container);
      if (serving) await removeNamed(deps, gateway, own.former);
      const container = serving ?? (await findOurs(deps, gateway, own.former));
      if (!container) throw new Refused(`the container of ${gateway.mark.gateway} is gone`);
      if (serving?.state === 'running') await demandRoom(deps, gateway);
      if (serving?.state === 'running' && (await switchChannels(deps, gateway, false)))
        await sleep(channelsOffMs, undefined, { signal: deps.signal() });
      deps.signal()?.throwIfAborted();
      await engine.setRestartPolicy(container.id, 'no');
      await engine.stopContainer(container.id, replacementStopGraceS);
      if ((await engine.renameContainer(container.id, own.former)) === 'name taken')
        throw new Error(`container ${own.former} was made by somebody else meanwhile`);
      const { exitCode } = (await engine.findContainer(own.former)) ?? {};
      return `${gateway.spec.release} stopped (exit ${exitCode ?? 'unknown'}) and set aside as ${own.former}`;
    });
  };

/**
 * The gateway of before serves again, proved: its own state, byte for byte as it was saved, its own release and settings, the
 * token on record and creel's device. A container that went meanwhile is made anew; nothing of a gateway is in its container.
 */
export const restoreAside = (deps: Deps) =>
  async function restoreAside(gateway: Changing<Replacement>): Promise<string> {
    const engine = deps.engineAt(gateway.place);
    const before = former(gateway);
    await removeReplacement(deps)(gateway);
    const [own, name] = [replacementNames(gateway.mark), names(gateway.mark).container];
    const [aside, serving] = [await findOurs(deps, gateway, own.former), await findOurs(deps, gateway, name)];
    const runs = [aside, serving].some((each) => each?.state === 'running');
    if (!runs) await putBack(deps, before, gateway.change.save, gateway.change.number);
    if (aside && !serving) await engine.renameContainer(aside.id, name);
    if (aside && serving) await removeNamed(deps, gateway, own.former);
    if (!runs) await writeConfig(deps, before);
    await ensureContainer(deps)(before);
    await awaitReadyAgain(deps, before, readinessMs);
    await ensureRestartPolicy(deps)(before);
    if (runs) await switchChannels(deps, before, true);
    (await openSession(deps, before)).close();
    return `${before.spec.release} proved serving again with generation ${before.tokenGeneration}, ${runs ? 'never stopped' : 'on its own state'}`;
  };

async function findOurs(deps: Deps, gateway: Gateway, name: string): Promise<Container | undefined> {
  const found = await deps.engineAt(gateway.place).findContainer(name);
  demandOurs('container', name, found?.labels, gateway);
  return found;
}
