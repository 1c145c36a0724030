import type { Changing } from '../../domain/gateway/changing.js';
import { reconfigured, type Reconfiguration } from '../../domain/changes/reconfiguration.js';
import { Refused } from '../../domain/errors.js';
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
import { formerKeysFile, openFormerKeys, sealFormerKeys } from '../../domain/keys/former-keys.js';
import { keysIn, takenBackFile, takenBackText } from '../../domain/keys/taken-back.js';
import { whoAnswers, type Models } from '../../domain/models/models.js';
import { readinessMs } from '../../domain/thresholds.js';
import type { Container } from '../../ports/docker-engine.js';
import type { Deps } from '../../world/deps.js';
import { configText } from '../parts/config/config.js';
import { holdsKeys, resolveKeys, sealingKey, writeKeys, type KeysOver } from '../parts/config/model-keys.js';
import { patchConfig } from '../parts/config/patch.js';
import { ownedOf, ownFile, recall, remember } from '../parts/config/written.js';
import { containerOf, ensureRestartPolicy } from '../parts/container/container.js';
import { awaitReady, awaitReadyAgain } from '../parts/container/readiness.js';
import { restartWith } from '../parts/container/restart.js';
import { readKeyless, reloadSecrets } from '../parts/door/control.js';
import { insideWith } from '../parts/door/inside.js';
import { openSession } from '../parts/door/operator.js';
import { probeChangedTurn } from '../parts/door/turn.js';
import { wayOf } from '../rotate/check-rotation.js';
import { demandChangeable } from './changeable.js';

/** Refuses other models before anything is touched: the gateway serves, and their keys are stored. */
export async function probeModelsChangeable(deps: Deps, gateway: Changing<Reconfiguration>): Promise<string> {
  const { text } = await demandChangeable(deps, gateway);
  return `serving, models applied by ${await wayOf(deps, gateway, text)}`;
}

/**
 * The running gateway has the models of the next spec with their stored keys, and nothing of what creel wrote for former
 * ones. A key that somebody has put in the place of creel's reference is taken back.
 */
export async function ensureModels(deps: Deps, gateway: Changing<Reconfiguration>): Promise<string> {
  const next = reconfigured(gateway);
  const container = await containerOf(deps, gateway);
  await keepFormerKeys(deps, gateway, container);
  const over = { file: keysText(await resolveKeys(deps, next)), own: {} };
  return applyModels(deps, next, { former: gateway.spec.models, over, wait: awaitReady });
}

/** The running gateway has the models and the very keys that it had, and serves creel's device from outside. */
export async function restoreModels(deps: Deps, { change, ...gateway }: Changing<Reconfiguration>): Promise<string> {
  const container = await containerOf(deps, gateway);
  const kept = await readFormerKeys(deps, { ...gateway, change }, container);
  if (!kept) return unchanged(deps, gateway, container);
  const said = await applyModels(deps, gateway, { former: change.to.models, over: kept, wait: awaitReadyAgain });
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
 * goes back: nothing but another change puts them in force again, whatever is stored by then.
 */
export async function probeModels(deps: Deps, gateway: Changing<Reconfiguration>): Promise<string> {
  try {
    return await probeChangedTurn(deps, reconfigured(gateway));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw await noteRefused(deps, gateway).then(
      () => error,
      (other: unknown) => unnoted(error, other),
    );
  }
}

/** The refusal counts, also where it could not be noted: another try would cost another turn, and its sentence. */
function unnoted(refused: Refused, cause: unknown): Refused {
  return new Refused(
    `${refused.message}. That could not be noted in its state: a repair before another key is stored puts the same one in force again`,
    { cause },
  );
}

async function noteRefused(deps: Deps, gateway: Changing<Reconfiguration>): Promise<void> {
  const container = await containerOf(deps, gateway);
  const former = await readFormerKeys(deps, gateway, container);
  const engine = deps.engineAt(gateway.place);
  const given = keysIn(await engine.readFile(container.id, `${stateDirectory}/${keysFile}`));
  const before = await engine.readFile(container.id, `${stateDirectory}/${takenBackFile}`);
  const text = takenBackText(sealingKey(deps, gateway), before, given, keysIn(former?.file));
  if (text !== undefined && text !== before)
    await engine.writeFiles(container.id, stateDirectory, [ownFile(takenBackFile, text)]);
}

/**
 * Keeps what is in force beside it, once: what a later attempt finds in force may be what an earlier one gave. So the
 * keys are read before it is asked whether they are kept.
 */
async function keepFormerKeys(deps: Deps, gateway: Changing<Reconfiguration>, container: Container): Promise<void> {
  const file = (await deps.engineAt(gateway.place).readFile(container.id, `${stateDirectory}/${keysFile}`)) ?? '{}\n';
  const config = parseObject(await configText(deps, gateway, container)) ?? {};
  if (await readFormerKeys(deps, gateway, container)) return;
  const own = customersKeys(config, gateway.spec.models);
  const text = sealFormerKeys(sealingKey(deps, gateway), { operation: numberOf(gateway), file, own });
  await deps.engineAt(gateway.place).writeFiles(container.id, stateDirectory, [ownFile(formerKeysFile, text)]);
}

async function readFormerKeys(deps: Deps, gateway: Changing<Reconfiguration>, { id }: Container) {
  const text = await deps.engineAt(gateway.place).readFile(id, `${stateDirectory}/${formerKeysFile}`);
  return openFormerKeys(sealingKey(deps, gateway), numberOf(gateway), text);
}

function numberOf({ change }: Changing<Reconfiguration>): number {
  return change.models ?? 0;
}

type Giving = {
  /** What creel may have written that the gateway's spec does not name. */
  readonly former: Models | undefined;
  readonly over: KeysOver;
  readonly wait: typeof awaitReady;
};

/** A gateway that must be restarted for this is restarted once, however often it is repeated, and then awaited. */
async function applyModels(deps: Deps, to: Gateway, { former, over, wait }: Giving): Promise<string> {
  const container = await containerOf(deps, to);
  const text = await configText(deps, to, container);
  const said = `models: ${to.spec.models ? whoAnswers(to.spec.models) : 'none'}`;
  if (container.state === 'running' && (await wayOf(deps, to, text)) === 'reload') {
    await reload(deps, to, container, { known: former ? [former] : [], over });
    await ensureRestartPolicy(deps, to); // An earlier attempt may have restarted it.
    return `${said}, taken up while it runs`;
  }
  if (container.state !== 'running' || !(await says(deps, to, container, over)))
    await restartWith(deps, to, container, { keys: over });
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
  if (!(await holdsKeys(deps, to, container, over.file))) await writeKeys(deps, to, container, over.file);
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
  return !change && (await holdsKeys(deps, to, container, over.file));
}
