import type { Changing } from '../../domain/gateway/changing.js';
import { reconfigured, type Reconfiguration } from '../../domain/changes/reconfiguration.js';
import { stateDirectory } from '../../domain/gateway/config.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { bothWritten, type Written } from '../../domain/gateway/written-config.js';
import { parseObject } from '../../domain/json.js';
import {
  customersKeys,
  keysFile,
  keysText,
  modelPatch,
  withOwnKeys,
  type OwnKeys,
} from '../../domain/models/config.js';
import { previousKeysFile } from '../../domain/keys/previous-keys.js';
import { whoAnswers, type Models } from '../../domain/models/models.js';
import { readinessMs } from '../../domain/thresholds.js';
import type { Container } from '../../ports/docker-engine.js';
import type { Deps } from '../../world/deps.js';
import { configText } from '../parts/config/config.js';
import { resolveKeys, type KeysOver } from '../parts/config/model-keys.js';
import { holdsSecrets, writeSecrets } from '../parts/config/secret-file.js';
import { patchConfig } from '../parts/config/patch.js';
import { ownedOf, recall, remember } from '../parts/config/written.js';
import { containerOf, ensureRestartPolicy } from '../parts/container/container.js';
import { awaitReady, awaitReadyAgain } from '../parts/container/readiness.js';
import { restartWith } from '../parts/container/restart.js';
import { readKeyless, reloadSecrets } from '../parts/door/control.js';
import { insideWith } from '../parts/door/inside.js';
import { openSession } from '../parts/door/operator.js';
import { probeChangedTurn } from '../parts/door/turn.js';
import { wayOf } from '../rotate/check-rotation.js';
import { demandChangeable } from './changeable.js';
import {
  keepPrevious,
  keepPreviousTokens,
  noteGiven,
  readPrevious,
  readPreviousTokens,
  type Previous,
} from './previous-secrets.js';
import { notedWhenRefused } from '../parts/config/refused-secrets.js';

/** Refuses other models before anything is touched: the gateway serves, and their keys are stored. */
export async function probeModelsChangeable(deps: Deps, gateway: Changing<Reconfiguration>): Promise<string> {
  const { text } = await demandChangeable(deps, gateway);
  return `serving, models applied by ${await wayOf(deps, gateway, text)}`;
}

/**
 * The running gateway has the models of the next spec with their stored keys, and nothing of what creel wrote for previous
 * ones. A key that somebody has put in the place of creel's reference is taken back.
 */
export async function ensureModels(deps: Deps, gateway: Changing<Reconfiguration>): Promise<string> {
  const next = reconfigured(gateway);
  const container = await containerOf(deps, gateway);
  await keepPreviousKeys(deps, gateway, container);
  await keepPreviousTokens(deps, gateway, container);
  const over = { file: keysText(await resolveKeys(deps, next)), own: {} };
  return applyModels(deps, next, { previous: gateway.spec.models, over, wait: awaitReady });
}

/** The running gateway has the models and the very keys that it had, and serves creel's device from outside. */
export async function restoreModels(deps: Deps, { change, ...gateway }: Changing<Reconfiguration>): Promise<string> {
  const container = await containerOf(deps, gateway);
  const kept = await readPrevious(deps, gateway, container, previousOf({ ...gateway, change }));
  if (!kept) return unchanged(deps, gateway, container);
  const tokens = await readPreviousTokens(deps, { ...gateway, change }, container);
  const giving = { previous: change.to.models, over: kept, tokens, wait: awaitReadyAgain };
  const said = await applyModels(deps, gateway, giving);
  (await openSession(deps, gateway)).close();
  return `${said}, proved serving`;
}

/** Nothing was given to it, because what was in force would have been kept before. */
async function unchanged(deps: Deps, gateway: Gateway, container: Container): Promise<string> {
  if (container.state !== 'running') await restartWith(deps, gateway, container);
  await awaitReadyAgain(deps, gateway, readinessMs);
  await ensureRestartPolicy(deps, gateway);
  (await openSession(deps, gateway)).close();
  return 'its models were not touched, proved serving';
}

/**
 * A message is answered by the models of the next spec. Keys with which nobody is answered are noted before the change
 * goes back.
 */
export async function probeModels(deps: Deps, gateway: Changing<Reconfiguration>): Promise<string> {
  const note = () => noteGiven(deps, gateway, { file: keysFile, previous: previousOf(gateway) });
  return notedWhenRefused('key', note, () => probeChangedTurn(deps, reconfigured(gateway)));
}

async function keepPreviousKeys(deps: Deps, gateway: Changing<Reconfiguration>, container: Container): Promise<void> {
  const file = (await deps.engineAt(gateway.place).readFile(container.id, `${stateDirectory}/${keysFile}`)) ?? '{}\n';
  const config = parseObject(await configText(deps, gateway, container)) ?? {};
  const own = customersKeys(config, gateway.spec.models);
  await keepPrevious(deps, gateway, container, previousOf(gateway), { file, own });
}

function previousOf({ change }: Changing<Reconfiguration>): Previous {
  return { file: previousKeysFile, operation: change.models ?? 0 };
}

type Giving = {
  /** What creel may have written that the gateway's spec does not name. */
  readonly previous: Models | undefined;
  readonly over: KeysOver;
  /** The tokens of its channels, where those in force are not the ones that it is to have. */
  readonly tokens?: string | undefined;
  readonly wait: typeof awaitReady;
};

/** A gateway that must be restarted for this is restarted once, however often it is repeated, and then awaited. */
async function applyModels(deps: Deps, to: Gateway, { previous, over, tokens, wait }: Giving): Promise<string> {
  const container = await containerOf(deps, to);
  const text = await configText(deps, to, container);
  const said = `models: ${to.spec.models ? whoAnswers(to.spec.models) : 'none'}`;
  if (container.state === 'running' && (await wayOf(deps, to, text)) === 'reload') {
    await reload(deps, to, container, { known: previous ? [previous] : [], over });
    await ensureRestartPolicy(deps, to); // An earlier attempt may have restarted it.
    return `${said}, taken up while it runs`;
  }
  if (container.state !== 'running' || !(await says(deps, to, container, over)))
    await restartWith(deps, to, container, { secrets: { keys: over, tokens } });
  await wait(deps, to, readinessMs);
  await ensureRestartPolicy(deps, to);
  (await openSession(deps, to)).close();
  return `${said}, after a restart`;
}

/** The keys lie there before the config refers to them; what the config refers to no longer is out when it is told. */
async function reload(
  deps: Deps,
  to: Gateway,
  container: Container,
  { known, over }: { readonly known: readonly Models[]; readonly over: KeysOver },
): Promise<void> {
  const next = to.spec.models ? [to.spec.models] : [];
  const { owned: all } = await ownedOf(deps, to);
  const owned = withOwnKeys(all, over.own);
  const before = await recall(deps, to, container);
  const after: Written = { ...before, models: next };
  await remember(deps, to, container, bothWritten(bothWritten(before, after), { ...before, models: known }));
  const keys = { file: keysFile, text: over.file };
  if (!(await holdsSecrets(deps, to, container, keys))) await writeSecrets(deps, to, container, keys);
  const control = insideWith(deps, to, deps.keys.token(to));
  await patchConfig(deps, to, control, async () => {
    const change = modelPatch(await configText(deps, to, container), [...before.models, ...known], next, owned);
    return change && { raw: JSON.stringify(change.patch), replacePaths: change.lost };
  });
  await reloadSecrets(control);
  await demandReadable(to, await readKeyless(control), over.own);
  await remember(deps, to, container, after);
}

/** A reload says that it went well also where a key could not be read. */
async function demandReadable({ mark, spec }: Gateway, keyless: readonly string[], own: OwnKeys): Promise<void> {
  const ids = (spec.models?.providers ?? []).map(({ id }) => id).filter((id) => own[id] === undefined);
  const left = ids.filter((id) => keyless.includes(id));
  if (left.length > 0)
    throw new Error(`gateway ${mark.gateway} does not read the key of ${left.join(', ')} in ${keysFile}`);
}

/** Whether config and keys say already what a restart is to bring. */
async function says(deps: Deps, to: Gateway, container: Container, over: KeysOver): Promise<boolean> {
  const { owned, written } = await ownedOf(deps, to);
  const before = await recall(deps, to, container);
  const text = await configText(deps, to, container);
  const change = modelPatch(text, before.models, written.models, withOwnKeys(owned, over.own));
  return !change && (await holdsSecrets(deps, to, container, { file: keysFile, text: over.file }));
}
