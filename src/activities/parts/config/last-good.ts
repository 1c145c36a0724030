import type { Changing } from '../../../domain/gateway/changing.js';
import { configFile, lastGoodFile, stateDirectory } from '../../../domain/gateway/config.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { isVerdict } from '../../../domain/gateway/verdict.js';
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
 * Waits until the previous gateway serves again. If it refuses to start on its config, which somebody changed while it
 * ran, it gets the config that it last read without a complaint, and the refused one is kept beside it. Returns what
 * became of that, to a later attempt, too.
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

/** Replaces, at most once, the config that made a gateway end by its last good one; whether that was done. */
async function takeLastGood(deps: Deps, gateway: Changing<Replacement>, before: Gateway): Promise<boolean> {
  const engine = deps.engineAt(before.place);
  const { id, state, exitCode } = await containerOf(deps, before);
  if (state !== 'exited') return false;
  const log = await engine.lastLog(id, lastLogLines);
  if (!isVerdict(exitCode, log) && !saysConfigRefused(log)) return false;
  const [text, lastGood] = [await read(deps, before, configFile), await read(deps, before, lastGoodFile)];
  const known = await read(deps, before, refusedFile(gateway));
  if (text === undefined || lastGood === undefined || !parseObject(lastGood) || lastGood === text) return false;
  if (known !== undefined) return false;
  await engine.writeFiles(id, stateDirectory, [ownFile(refusedFile(gateway), text), ownFile(configFile, lastGood)]);
  await writeConfig(deps, before, [], 'in force');
  return true;
}

async function read(deps: Deps, gateway: Gateway, file: string): Promise<string | undefined> {
  const { id } = await containerOf(deps, gateway);
  return deps.engineAt(gateway.place).readFile(id, `${stateDirectory}/${file}`);
}

function refusedFile({ change }: Changing<Replacement>): string {
  return `${configFile}.refused-${change.number}`;
}
