import { z } from 'zod';
import type { Changing } from '../domain/change.js';
import { Refused } from '../domain/errors.js';
import { stateDirectory } from '../domain/gateway-config.js';
import { markLabels, names, type Gateway } from '../domain/gateway.js';
import { readPrepared } from '../domain/image.js';
import { liveDirectory, rehearsalCommand } from '../domain/rehearsal.js';
import { replaced, replacementLabel, replacementNames, type Replacement } from '../domain/replacement.js';
import type { Deps } from './deps.js';
import { proveStanding, type Down } from './former.js';
import { demandOurs } from './host.js';
import { neverOver } from './never-over.js';
import { releaseImageOf } from './release.js';

/** The rehearsal takes 6 s; a large database takes longer to copy. */
const rehearsalMs = 300_000;

const found = z.object({ problems: z.array(z.string()) });

/** The new release has nothing against a copy of the state: its own check of the config and of the database, while the old one serves. */
export const ensureRehearsal = (deps: Deps) =>
  async function ensureRehearsal(gateway: Changing<Replacement>): Promise<string> {
    return neverOver(async () => {
      const engine = deps.engineAt(gateway.place);
      const own = replacementNames(gateway.mark);
      const labels = { ...markLabels(gateway.mark), [replacementLabel]: String(gateway.change.number) };
      const image = await releaseImageOf(deps, replaced(gateway));
      const hasPreflight = readPrepared(image)?.schemas['state'] !== undefined;
      await engine.createVolume({ name: own.trial, labels: markLabels(gateway.mark) });
      const { exitCode, stdout, stderr } = await engine.runErrand({
        name: own.rehearsal,
        labels,
        imageId: image.id,
        command: rehearsalCommand(hasPreflight),
        mounts: [
          { volume: names(gateway.mark).volume, target: liveDirectory, readOnly: true },
          { volume: own.trial, target: stateDirectory, readOnly: false },
        ],
        limitMs: rehearsalMs,
      });
      await clearRehearsal(deps, gateway);
      const { problems } = readProblems(gateway, exitCode, stdout, stderr);
      if (problems.length === 0) return `${gateway.change.to.release} accepts a copy of the state`;
      throw new Refused(
        `release ${gateway.change.to.release} does not accept the state of ${gateway.mark.gateway}: ${problems.join('; ')}`,
      );
    });
  };

/** Nothing of a rehearsal is left, and the gateway for which it was held stands: one that went down meanwhile is started again. */
export const removeRehearsal = (deps: Deps) =>
  async function removeRehearsal(gateway: Gateway | Changing<Replacement>): Promise<string | Down | undefined> {
    await clearRehearsal(deps, gateway);
    return 'change' in gateway ? proveStanding(deps, gateway) : undefined;
  };

async function clearRehearsal(deps: Deps, gateway: Gateway): Promise<void> {
  const engine = deps.engineAt(gateway.place);
  const own = replacementNames(gateway.mark);
  const container = await engine.findContainer(own.rehearsal);
  demandOurs('container', own.rehearsal, container?.labels, gateway);
  if (container) await engine.removeContainer(container.id);
  const volume = await engine.findVolume(own.trial);
  demandOurs('volume', own.trial, volume?.labels, gateway);
  if (volume) await engine.removeVolume(own.trial);
}

function readProblems(gateway: Gateway, exitCode: number, stdout: string, stderr: string): z.infer<typeof found> {
  const last = stdout.trim().split('\n').at(-1) ?? '';
  if (exitCode === 0) return found.parse(JSON.parse(last));
  throw new Error(
    `the rehearsal for ${gateway.mark.gateway} ended with exit ${exitCode}: ${stderr.trim().slice(-600)}`,
  );
}
