import type { Changing } from '../../../domain/gateway/changing.js';
import { configFile, lastGoodFile, stateDirectory } from '../../../domain/gateway/config.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { parseObject } from '../../../domain/json.js';
import { saysConfigRefused } from '../../../domain/changes/rehearsal.js';
import type { Replacement } from '../../../domain/changes/replacement.js';
import { lastLogLines, readinessMs } from '../../../domain/thresholds.js';
import { writeConfig } from './config.js';
import { containerOf, ensureContainer } from '../container/container.js';
import type { Deps } from '../../../world/deps.js';
import { awaitReadyAgain } from '../container/readiness.js';
import { ownFile } from './written.js';

/**
 * Waits until the previous gateway serves again. One that does not start on the config that it ran with, which it had read before
 * somebody changed it, gets the one that it last read without a complaint; what it refuses stays beside. Answers what became of
 * that, also to an attempt that comes after.
 */
export async function serveAgain(
  deps: Deps,
  gateway: Changing<Replacement>,
  before: Gateway,
): Promise<string | undefined> {
  try {
    await awaitReadyAgain(deps, before, readinessMs);
  } catch (error) {
    if (!(await takeLastGood(deps, gateway, before))) throw error;
    await ensureContainer(deps, before);
    await awaitReadyAgain(deps, before, readinessMs);
  }
  const refused = refusedFile(gateway);
  if ((await read(deps, before, refused)) === undefined) return undefined;
  const { mark, spec } = before;
  return `release ${spec.release} did not start on its ${configFile}: it serves on what it last read without a complaint (${lastGoodFile}), and the refused one lies beside as ${refused}. Mend that, put it in place, then \`creel provision ${mark.gateway}\`; see docs/runbook.md#config-refused-on-the-way-back`;
}

/** Whether the config of a gateway that ended because of it was replaced by its last good one; that is done once. */
async function takeLastGood(deps: Deps, gateway: Changing<Replacement>, before: Gateway): Promise<boolean> {
  const engine = deps.engineAt(before.place);
  const { id, state, exitCode } = await containerOf(deps, before);
  if (state !== 'exited') return false;
  if (exitCode !== 78 && !saysConfigRefused(await engine.lastLog(id, lastLogLines))) return false;
  const [text, lastGood] = [await read(deps, before, configFile), await read(deps, before, lastGoodFile)];
  const known = await read(deps, before, refusedFile(gateway));
  if (text === undefined || lastGood === undefined || !parseObject(lastGood) || lastGood === text) return false;
  if (known !== undefined) return false;
  await engine.writeFiles(id, stateDirectory, [ownFile(refusedFile(gateway), text), ownFile(configFile, lastGood)]);
  await writeConfig(deps, before);
  return true;
}

async function read(deps: Deps, gateway: Gateway, file: string): Promise<string | undefined> {
  const { id } = await containerOf(deps, gateway);
  return deps.engineAt(gateway.place).readFile(id, `${stateDirectory}/${file}`);
}

function refusedFile({ change }: Changing<Replacement>): string {
  return `${configFile}.refused-${change.number}`;
}
