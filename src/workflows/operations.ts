import type { Change } from '../domain/changes/change.js';
import type { GatewaySpec } from '../domain/gateway/spec.js';
import type { OperationInput, OperationKind } from '../wire/operation.js';
import { changes } from './changes.js';
import { lookRows } from './saga/look-again.js';
import {
  provision,
  machineStep,
  repair,
  restore,
  stateStep,
  firstStepsFor,
  stepsFor,
  takingUp,
} from './provision/operation.js';
import type { ChangeOperation, Operation } from './record/operation.js';
import { purge, remove, wayBack } from './remove/operation.js';
import { resume } from './suspend/operation.js';
import type { Manner } from './saga/saga.js';
import type { Steps } from './saga/step.js';

/** The operations of a whole life. */
const lives: readonly Operation[] = [provision, repair, restore, takingUp, remove, purge, wayBack, resume];

/** Every operation there is. */
export const operations: readonly Operation[] = [...lives, ...changes];

/**
 * Every step there ever was, by its name, which is for ever: operations carry names, and a retired step stays in its room with its
 * undo as long as a record may name it. A removal undoes by this order.
 */
export const registry: Steps = Object.assign({}, ...operations.map(({ steps }) => steps), lookRows);

const byKind: ReadonlyMap<string, Operation> = new Map(operations.map((each) => [each.kind, each]));
const changeByKind: ReadonlyMap<string, ChangeOperation> = new Map(changes.map((each) => [each.kind, each]));

/** The operation of this kind; undefined of a kind that another version of creel may know. */
export function operationOf(kind: string): Operation | undefined {
  return byKind.get(kind);
}

/** The operation that such a change belongs to, or that such a request asks for. */
export function changeOf({ kind }: { readonly kind: string }): ChangeOperation | undefined {
  return changeByKind.get(kind);
}

/** The steps of a change, whole: what a lost run of it may have entered. */
export function stepsOfChange(change: Change): readonly string[] {
  return changeOf(change)?.list(change) ?? [];
}

/** How an operation reads its change. */
export function mannerOf(input: OperationInput): Manner {
  const operation = changeOf(input.change ?? input);
  const limitMs = operation?.within?.(input);
  return { ...(limitMs !== undefined && { limitMs }), ...(input.change && operation?.ending?.(input.change)) };
}

/** The steps of an operation of a whole life, as they go into its input: read forward, or for a clean-up those to undo. */
export function stepsOf(
  kind: OperationKind,
  entered: readonly string[],
  keepState: boolean,
  spec: Pick<GatewaySpec, 'machine' | 'models' | 'fence'> = { fence: 'off' },
): string[] {
  if (kind === 'purge') return [...(spec.machine ? [machineStep] : []), stateStep, 'write config'];
  if (kind === 'provision') return [...firstStepsFor(spec)];
  if (kind !== 'remove') return [...stepsFor(spec)];
  const everEntered = new Set(entered);
  const known = Object.keys(registry).filter((name) => everEntered.has(name));
  const keeps = keepState && everEntered.has(stateStep); // A machine is kept for the state on it alone.
  return known.filter((name) => !(keeps && (name === stateStep || name === machineStep)));
}
