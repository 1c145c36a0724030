import {
  ApplicationFailure,
  CancellationScope,
  condition,
  makeContinueAsNewFunc,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import {
  announceKey,
  countRun,
  currentKey,
  keysOf,
  promoteKey,
  type DeploymentKeys,
  type KeyMemo,
} from '../../domain/keys/deployment-keys.js';
import {
  withEngine,
  withRenamed,
  type DeploymentEngine,
  type RenamedEngine,
} from '../../domain/hosts/deployment-engines.js';
import { Refused } from '../../domain/errors.js';
import { withoutRelease, withRelease } from '../../domain/release/recorded.js';
import type { Catalogue } from '../../domain/release/release.js';
import { engineRenamedUpdate, engineUpdate, type ServedEngine } from '../../wire/deployment-engines.js';
import { keyUpdate, type KeyOrder } from '../../wire/deployment-keys.js';
import { releaseUpdate, type ReleaseOrder } from '../../wire/deployment-releases.js';
import { continueAsNewSignal } from '../../wire/messages.js';

/**
 * Holds a namespace for one deployment, for ever. What it says stands in its memo (id, layout, the current key's id and check, and
 * every key there ever was once there was a second, its engines, the releases on record), which anybody reads without a worker, and which it hands on to itself.
 * Cancelling it changes nothing.
 */
export async function deployment(): Promise<void> {
  setCurrentDetails(
    'Says which deployment of creel this namespace belongs to: see the memo. It never ends; do not terminate it.',
  );
  let asked = false;
  setHandler(keyUpdate, hear, { validator: (order) => void changed(order) });
  setHandler(engineRenamedUpdate, hearRenamed, {
    validator: (renamed) => void refusing(() => withRenamed(engines(), renamed)),
  });
  setHandler(engineUpdate, hearEngine, { validator: (served) => void refusing(() => withEngine(engines(), served)) });
  setHandler(releaseUpdate, hearRelease, { validator: (order) => void changedReleases(order) });
  setHandler(continueAsNewSignal, () => {
    asked = true;
  });
  await CancellationScope.nonCancellable(async () => {
    await condition(() => asked || workflowInfo().continueAsNewSuggested);
    const memo = workflowInfo().memo ?? {}; // By itself the server passes on only what the run was started with.
    await makeContinueAsNewFunc<typeof deployment>({ memo })();
  });
}

/** The engines that a worker ever served, as the memo has them. */
function engines(): readonly DeploymentEngine[] {
  return (workflowInfo().memo as { engines?: readonly DeploymentEngine[] } | undefined)?.engines ?? [];
}

function hearEngine(served: ServedEngine): void {
  become((known) => withEngine(known, served));
}

function hearRenamed(renamed: RenamedEngine): void {
  become((known) => withRenamed(known, renamed));
}

function become(change: (known: readonly DeploymentEngine[]) => readonly DeploymentEngine[]): void {
  const known = engines();
  const now = refusing(() => change(known));
  if (now !== known) upsertMemo({ engines: [...now] });
}

function hearRelease(order: ReleaseOrder): Catalogue {
  const known = releases();
  const now = changedReleases(order, known);
  if (now !== known) upsertMemo({ releases: [...now] });
  return now;
}

/** The releases on record, as the memo has them. */
function releases(): Catalogue {
  return (workflowInfo().memo as { releases?: Catalogue } | undefined)?.releases ?? [];
}

/** The releases as they are after an order. */
function changedReleases(order: ReleaseOrder, known = releases()): Catalogue {
  return refusing(() => {
    if (order?.word === 'add') return withRelease(known, order.line);
    if (order?.word === 'remove') return withoutRelease(known, order.version);
    throw new Refused('a deployment takes add and remove of a release');
  });
}

function hear(order: KeyOrder): DeploymentKeys {
  const keys = changed(order);
  const { id: keyId, check: keyCheck } = currentKey(keys);
  upsertMemo({ keyId, keyCheck, keys: [...keys] });
  return keys;
}

/** The keys as they are after an order. */
function changed(order: KeyOrder): DeploymentKeys {
  const keys = keysOf(workflowInfo().memo as KeyMemo);
  return refusing(() => {
    if (order?.word === 'announce') return announceKey(keys, order);
    if (order?.word === 'run') return countRun(keys, order.id, order.number);
    if (order?.word === 'promote') return promoteKey(keys, order.id);
    throw new Refused('a deployment takes announce, run and promote');
  });
}

/** A refusal in a handler must be an `ApplicationFailure`: any other error would fail the task. */
function refusing<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw ApplicationFailure.create({ message: error.message, type: 'Refused', nonRetryable: true });
  }
}
