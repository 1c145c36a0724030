import { NotYet, Refused } from '../../../domain/errors.js';
import { configFile, overlayConfig, stateDirectory, tokenIn } from '../../../domain/gateway/config.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { at, parseObject, type JsonObject } from '../../../domain/json.js';
import { mergePatch, type MergePatch } from '../../../domain/merge-patch.js';
import { bothWritten, cleared } from '../../../domain/gateway/written-config.js';
import type { Container } from '../../../ports/docker-engine.js';
import { configText, writeConfig } from './config.js';
import { insideWith } from '../door/inside.js';
import { patchConfig } from './patch.js';
import { findAwake } from '../container/container.js';
import type { Deps } from '../../../world/deps.js';
import { demandWhole, sentences } from './owned.js';
import { restartWith } from '../container/restart.js';
import { wayOf } from '../../rotate/check-rotation.js';
import { isOwn, ownedOf, ownFile, recall, remember } from './written.js';

/**
 * The config in the state volume says everything that creel owns of it, 0600 and owned by the gateway's user, written before
 * the start and never through the environment. A gateway that runs holds its token in memory (S1-8), so there the token is only
 * held against that of the record: a change is a rotation, not a repair. What else creel owns is put right there too, by a restart
 * where nobody reaches the gateway otherwise. Answers what was put right.
 */
export async function ensureConfig(deps: Deps, gateway: Gateway): Promise<string | undefined> {
  const container = await findAwake(deps, gateway);
  if (container?.state === 'running') return mendRunning(deps, gateway, container);
  return writeConfig(deps, gateway);
}

async function mendRunning(deps: Deps, gateway: Gateway, container: Container): Promise<string | undefined> {
  const text = await configText(deps, gateway, container);
  const shut = (await demandWhole(deps, gateway, text)).filter(({ kind }) => kind === 'shut');
  demandToken(deps, gateway, text);
  const mended: string[] = [];
  if (await handBack(deps, gateway, container))
    mended.push(`${configFile} belonged to another user and is the gateway's again`);
  if (shut.length > 0) {
    await restartWith(deps, gateway, container);
    return [...mended, `put right by a restart: ${sentences(shut)}`].join('. ');
  }
  const said = await mendServing(deps, gateway, container);
  return [...mended, ...(said === undefined ? [] : [said])].join('. ') || undefined;
}

/** Gives the config back to the gateway's user, as it is; false when it is his. */
async function handBack(deps: Deps, gateway: Gateway, container: Container): Promise<boolean> {
  if (await isOwn(deps, gateway, container, configFile)) return false;
  const content = await configText(deps, gateway, container);
  if (content === undefined) return false;
  await deps.engineAt(gateway.place).writeFiles(container.id, stateDirectory, [ownFile(configFile, content)]);
  return true;
}

/**
 * Channels and origins of a gateway that serves are what the spec says, taken up while it runs where the release can. What a
 * customer added stays. One that does not answer now is left to the step that waits for it.
 */
async function mendServing(deps: Deps, gateway: Gateway, container: Container): Promise<string | undefined> {
  const text = await configText(deps, gateway, container);
  const { owned, written: next } = await ownedOf(deps, gateway);
  const before = await recall(deps, gateway, container);
  const change = hotChange(parseObject(text), parseObject(overlayConfig(cleared(text, before, next), owned)));
  if (change) {
    const isReload = (await wayOf(deps, gateway, text)) === 'reload';
    if (!isReload && !('channels' in change.patch)) return undefined; // The next start takes it up.
    await remember(deps, gateway, container, bothWritten(before, next));
    if (!isReload) await restartWith(deps, gateway, container);
    else if (!(await patched(deps, gateway, change))) return undefined;
  }
  await remember(deps, gateway, container, next);
  return change && `put right: ${Object.keys(change.patch).join(', ')} as the spec says`;
}

async function patched(deps: Deps, gateway: Gateway, { patch, lost }: MergePatch): Promise<boolean> {
  const control = insideWith(deps, gateway, deps.keys.token(gateway));
  try {
    await patchConfig(deps, gateway, control, async () => ({ raw: JSON.stringify(patch), replacePaths: lost }));
    return true;
  } catch (error) {
    if (error instanceof NotYet) return false;
    throw error;
  }
}

/** What differs among the keys that a running gateway takes up. */
function hotChange(found: JsonObject | undefined, wanted: JsonObject | undefined): MergePatch | undefined {
  return mergePatch(hotKeys(found), hotKeys(wanted));
}

function hotKeys(config: JsonObject = {}): JsonObject {
  const allowedOrigins = at(config, ['gateway', 'controlUi', 'allowedOrigins']);
  return {
    channels: config['channels'] ?? {},
    ...(allowedOrigins !== undefined && { gateway: { controlUi: { allowedOrigins } } }),
  };
}

function demandToken(deps: Deps, gateway: Gateway, text: string | undefined): void {
  const token = deps.keys.token(gateway);
  if (tokenIn(text) === token.reveal()) return;
  throw new Refused(
    `gateway ${gateway.mark.gateway} runs with another token than generation ${gateway.tokenGeneration} of its record: somebody changed ${stateDirectory}/${configFile}. Put the old file back, or stop the container and run \`creel provision ${gateway.mark.gateway}\` again`,
  );
}
