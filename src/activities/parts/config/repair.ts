import { NotYet, Refused } from '../../../domain/errors.js';
import { configFile, overlayConfig, stateDirectory, tokenIn } from '../../../domain/gateway/config.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { at, parseObject, type JsonObject } from '../../../domain/json.js';
import { mergePatch, type MergePatch } from '../../../domain/merge-patch.js';
import { bothWritten, cleared } from '../../../domain/gateway/written-config.js';
import { customersKeys, keysFile, ofModels, withOwnKeys } from '../../../domain/models/config.js';
import type { Container } from '../../../ports/docker-engine.js';
import { RpcError } from '../../../ports/gateway-door.js';
import { configText, wantedSecrets, writeConfig } from './config.js';
import { demandAnswer, reloadSecrets } from '../door/control.js';
import { insideWith } from '../door/inside.js';
import { holdsSecrets, writeSecrets, type SecretFile } from './secret-file.js';
import { patchConfig } from './patch.js';
import { findAwake } from '../container/container.js';
import type { Deps } from '../../../world/deps.js';
import { demandWhole, sentences } from './owned.js';
import { restartWith } from '../container/restart.js';
import { wayOf } from '../../rotate/check-rotation.js';
import { applyExtras } from './extras.js';
import { demandValid } from './validation.js';
import { isOwn, ownedOf, ownFile, recall, remember } from './written.js';

/**
 * The config in the state volume says everything that creel owns of it, 0600 and owned by the gateway's user, written
 * before the start and never through the environment. A running gateway holds its token in memory (S1-8), so there the
 * token is only compared with the record's: changing it is a rotation, not a repair. Whatever else creel owns is mended
 * there, too, with a restart if nobody can reach the gateway otherwise. Returns what was mended.
 */
export async function ensureConfig(deps: Deps, gateway: Gateway): Promise<string | undefined> {
  const container = await findAwake(deps, gateway);
  if (container?.state === 'running') return mendRunning(deps, gateway, container);
  const kept = await writeConfig(deps, gateway);
  await demandValid(deps, gateway);
  return kept;
}

async function mendRunning(deps: Deps, gateway: Gateway, container: Container): Promise<string | undefined> {
  const text = await configText(deps, gateway, container);
  const shut = (await demandWhole(deps, gateway, text)).filter(({ kind }) => kind === 'shut');
  demandToken(deps, gateway, text);
  const mended: string[] = [];
  if (await handBack(deps, gateway, container))
    mended.push(`${configFile} belonged to another user and is the gateway's again`);
  if (shut.length > 0) {
    await restartWith(deps, gateway, container, { secrets: 'stored' });
    return [...mended, `put right by a restart: ${sentences(shut)}`].join('. ');
  }
  const said = await mendServing(deps, gateway, container);
  return [...mended, ...(said === undefined ? [] : [said])].join('. ') || undefined;
}

/** Gives the config back to the gateway's user, unchanged; false when that user owns it already. */
async function handBack(deps: Deps, gateway: Gateway, container: Container): Promise<boolean> {
  if (await isOwn(deps, gateway, container, configFile)) return false;
  const content = await configText(deps, gateway, container);
  if (content === undefined) return false;
  await deps.engineAt(gateway.place).writeFiles(container.id, stateDirectory, [ownFile(configFile, content)]);
  return true;
}

/** Puts right what the spec wants of a serving gateway's config: first what `[config]` says, then what creel owns. */
async function mendServing(deps: Deps, gateway: Gateway, container: Container): Promise<string | undefined> {
  const extras = await mendExtras(deps, gateway, container);
  const said = await mendOwned(deps, gateway, container);
  return [...(extras === undefined ? [] : [extras]), ...(said === undefined ? [] : [said])].join('. ') || undefined;
}

/** What the spec's `[config]` says is in force. A gateway that does not answer now is left to the step that waits for it. */
async function mendExtras(deps: Deps, gateway: Gateway, container: Container): Promise<string | undefined> {
  const { config } = gateway.spec;
  if (!config && (await recall(deps, gateway, container)).config.length === 0) return undefined;
  try {
    const taken = await applyExtras(deps, gateway, container, [], 'stored');
    return taken === 'as it was' ? undefined : `put right ${taken}: what [config] says`;
  } catch (error) {
    if (error instanceof NotYet) return undefined;
    throw error;
  }
}

/**
 * Makes channels, models and origins of a serving gateway what the spec says, while it runs where the release can. A customer's
 * additions stay. A gateway that does not answer now is left to the step that waits for it.
 */
async function mendOwned(deps: Deps, gateway: Gateway, container: Container): Promise<string | undefined> {
  const text = await configText(deps, gateway, container);
  const { owned: all, written: next } = await ownedOf(deps, gateway);
  const owned = withOwnKeys(all, customersKeys(parseObject(text) ?? {}, gateway.spec.models));
  const before = await recall(deps, gateway, container);
  const change = hotChange(parseObject(text), parseObject(overlayConfig(cleared(text, before, next), owned)));
  const { files: wanted, said } = await wantedSecrets(deps, gateway, container, before);
  const files: SecretFile[] = [];
  for (const each of wanted) if (!(await holdsSecrets(deps, gateway, container, each))) files.push(each);
  if (change || files.length > 0) {
    const isReload = (await wayOf(deps, gateway, text)) === 'reload';
    if (!isReload && files.length === 0 && change && Object.keys(change.patch).every((each) => each === 'gateway'))
      return undefined; // The next start reads it.
    await remember(deps, gateway, container, bothWritten(before, next));
    if (!isReload) await restartWith(deps, gateway, container, { secrets: 'stored' });
    else if (!(await takenUp(deps, gateway, container, { change, files }))) return undefined;
  } else if (wanted.length > 0) await takeUpWritten(deps, gateway, text);
  await remember(deps, gateway, container, next);
  return [...mended({ change, files }), ...said].filter((each) => each !== undefined).join('. ') || undefined;
}

type Mending = { readonly change: MergePatch | undefined; readonly files: readonly SecretFile[] };

function mended({ change, files }: Mending): string[] {
  const put = change ? [`put right: ${Object.keys(change.patch).join(', ')} as the spec says`] : [];
  const what = (file: string) => (file === keysFile ? 'keys of its models' : 'tokens of its channels');
  return [...put, ...files.map(({ file }) => `the stored ${what(file)} taken up`)];
}

/** The secrets lie there before the config refers to them. False where the gateway does not answer now: nothing was written. */
async function takenUp(
  deps: Deps,
  gateway: Gateway,
  container: Container,
  { change, files }: Mending,
): Promise<boolean> {
  const control = insideWith(deps, gateway, deps.keys.token(gateway));
  try {
    if (files.length > 0) await demandAnswer(control);
    for (const each of files) await writeSecrets(deps, gateway, container, each);
    if (change) {
      const { patch, lost } = change;
      await patchConfig(deps, gateway, control, async () => ({ raw: JSON.stringify(patch), replacePaths: lost }));
    }
    if (files.length > 0) await reloadSecrets(control);
    return true;
  } catch (error) {
    if (error instanceof NotYet) return false;
    throw error;
  }
}

/**
 * Secrets that an attempt wrote which was cut off before it told the gateway are taken up. Where they were, a reload
 * changes nothing; a gateway that does not do it now is no worse than before.
 */
async function takeUpWritten(deps: Deps, gateway: Gateway, text: string | undefined): Promise<void> {
  try {
    if ((await wayOf(deps, gateway, text)) !== 'reload') return; // What is written there is written before a start.
    await reloadSecrets(insideWith(deps, gateway, deps.keys.token(gateway)));
  } catch (error) {
    if (!(error instanceof NotYet || error instanceof Refused || error instanceof RpcError)) throw error;
  }
}

/** What differs among the keys that a running gateway reloads. */
function hotChange(found: JsonObject | undefined, wanted: JsonObject | undefined): MergePatch | undefined {
  return mergePatch(hotKeys(found), hotKeys(wanted));
}

function hotKeys(config: JsonObject = {}): JsonObject {
  const allowedOrigins = at(config, ['gateway', 'controlUi', 'allowedOrigins']);
  return {
    ...ofModels(config),
    channels: config['channels'] ?? {},
    ...(allowedOrigins !== undefined && { gateway: { controlUi: { allowedOrigins } } }),
  };
}

function demandToken(deps: Deps, gateway: Gateway, text: string | undefined): void {
  const token = deps.keys.token(gateway);
  if (tokenIn(text) === token.reveal()) return;
  throw new Refused(
    `gateway ${gateway.mark.gateway} runs with another token than generation ${gateway.tokenGeneration} of its record: somebody changed ${stateDirectory}/${configFile}. Where it has started with that file since, \`creel rotate ${gateway.mark.gateway} --reclaim\` sets the next token. Or put the old file back, or stop the container and run \`creel provision ${gateway.mark.gateway}\` again; see docs/runbook.md#token-mismatch`,
  );
}
