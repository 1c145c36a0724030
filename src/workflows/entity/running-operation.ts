import {
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowFailure,
  ParentClosePolicy,
  proxyActivities,
  executeChild,
  startChild,
  type ChildWorkflowHandle,
  workflowInfo,
  type Workflow,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../../activities/activities.js';
import { Bug } from '../../domain/errors.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import type { GatewayState, Queued } from '../record/state.js';
import { enteredBefore, keepsState, operationSteps, renumber } from './begin-end.js';
import { operationPrefix, operationWorkflowId, waitsQueue } from '../../wire/ids.js';
import type { OperationInput, OperationKind, OperationResult } from '../../wire/operation.js';
import { limitsFor } from '../pair/workflow.js';
import { askPolicy } from '../saga/policies.js';
import type { searchLives, SearchInput } from '../provision/take-up.js';
import { isThere } from '../record/forsaken.js';
import { beingRemovedSignal, engineGoneSignal, replySignal } from '../../wire/messages.js';
import type { GatewayStart } from '../../wire/requests.js';
import type { Reply } from '../../wire/park.js';
import { gatewayIdKey, needsAttentionKey, operationKindKey } from '../../wire/search-attributes.js';

/** How an operation closed: with a result, or lost with a reason. */
export type OperationEnd = {
  readonly operation: Queued;
  readonly result: OperationResult | undefined;
  readonly reason: string;
};

const workflowTypes: Record<OperationKind, string> = {
  provision: 'provision',
  repair: 'repair',
  restore: 'repair',
  'take-up': 'takeUp',
  remove: 'cleanUp',
  purge: 'cleanUp',
  rotate: 'rotateToken',
  pair: 'pairDevice',
  deny: 'denyDevice',
  unpair: 'unpairDevice',
  upgrade: 'replaceContainer',
  rollback: 'replaceContainer',
  change: 'replaceContainer',
  'drop-snapshot': 'dropSnapshot',
  'way-back': 'wayBack',
};

/** The type of an operation's run: what it is called in the Temporal UI. */
function typeOf({ kind, change }: Queued): string {
  return kind === 'change' && change?.kind === 'reconfigure' ? 'reconfigureGateway' : workflowTypes[kind];
}

/** The gateway as its operation is told of it: with the engine on which it is to look for it, where none is on record. */
function whereSought(life: Gateway, { engine }: Queued): Gateway {
  if (engine === undefined || life.place.engine !== undefined) return life;
  return { ...life, place: { ...life.place, engine } };
}

/** The one operation that an entity runs: a child workflow, its cancellation and its operator's words. */
export class RunningOperation {
  readonly #start: GatewayStart;
  readonly #state: GatewayState;
  readonly #scope = new CancellationScope();
  #operation: Queued;
  #child: ChildWorkflowHandle<Workflow> | undefined;
  #begun = false;
  ended = false;

  constructor(start: GatewayStart, state: GatewayState, operation: Queued) {
    this.#start = start;
    this.#state = state;
    this.#operation = operation;
  }

  /** Runs it to its end, whatever that is. */
  async end(): Promise<OperationEnd> {
    try {
      const result = await this.#scope.run(() => this.#run());
      return { operation: this.#operation, result, reason: result.reason };
    } catch (error) {
      return this.#readEnd(error);
    } finally {
      this.ended = true;
    }
  }

  cancel(): void {
    this.#scope.cancel();
  }

  /** Tells the operation that nothing of it needs to be proved or kept, then cancels it. */
  async stopForRemoval(): Promise<void> {
    await this.#signal((child) => child.signal(beingRemovedSignal));
    this.cancel();
  }

  /** Tells the operation that its engine is gone for good, unless somebody stands beside it after all. */
  async forsake(): Promise<void> {
    const { life } = this.#state;
    if (!life || (await isThere(life, this.#start.limits))) return;
    await this.#signal((child) => child.signal(engineGoneSignal));
    this.cancel();
  }

  /** Passes an operator's word on. */
  reply(reply: Reply): void {
    void this.#signal((child) => child.signal(replySignal, reply));
  }

  /** A child that closed meanwhile needs no word any more. */
  async #signal(send: (child: ChildWorkflowHandle<Workflow>) => Promise<void>): Promise<void> {
    if (!this.#child) return;
    try {
      await send(this.#child);
    } catch (error) {
      if (error instanceof Bug) throw error; // Any other failure says that the child has closed.
    }
  }

  async #run(): Promise<OperationResult> {
    const { life } = this.#state;
    if (!this.#state.alone) await this.#awaitEarlierOperations();
    this.#state.alone = true;
    this.#begun = true;
    if (!life) return this.#searchLives();
    const child = await this.#startChild(life);
    this.#child = child;
    return child.result();
  }

  /** A life that a Terminate cut off may still be unwinding itself. */
  async #awaitEarlierOperations(): Promise<void> {
    const { awaitNoOperations } = proxyActivities<Pick<Activities, 'awaitNoOperations'>>({
      ...askPolicy(this.#start.limits),
      startToCloseTimeout: this.#start.limits.fetchMs,
      taskQueue: waitsQueue(workflowInfo().taskQueue),
      summary: 'wait for earlier operations',
    });
    await awaitNoOperations(operationPrefix(this.#start.gateway));
  }

  /** A removal without a record: says what is on the host, or that nothing is. */
  async #searchLives(): Promise<OperationResult> {
    const { deployment, gateway, limits, request } = this.#start;
    const input: SearchInput = {
      deployment,
      gateway,
      limits,
      place: request?.place ?? { provider: 'local', host: 'local' },
      everywhere: true,
    };
    return executeChild<typeof searchLives>('searchLives', {
      workflowId: operationWorkflowId(gateway, 'none', this.#operation.number, this.#operation.kind),
      args: [input],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      staticSummary: `look for ${gateway}`,
    });
  }

  async #startChild(life: Gateway): Promise<ChildWorkflowHandle<Workflow>> {
    for (;;) {
      const { number, kind } = this.#operation;
      const input: OperationInput = {
        layout: 1,
        kind,
        number,
        gateway: whereSought(life, this.#operation),
        steps: operationSteps(this.#state, this.#operation),
        entered: enteredBefore(this.#state, this.#operation),
        limits: limitsFor(this.#start.limits, this.#operation.change),
        ...(this.#operation.change && { change: this.#operation.change }),
        forsakes: true,
        ...(keepsState(this.#state, this.#operation) && { keeps: true as const }),
        ...(this.#operation.gone && { gone: true as const }),
        ...((kind === 'provision' || life.place.engine === undefined) && { seek: true as const }),
      };
      try {
        return await startChild(typeOf(this.#operation), {
          workflowId: operationWorkflowId(life.mark.gateway, life.mark.birth, number, kind),
          args: [input],
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
          cancellationType: 'WAIT_CANCELLATION_COMPLETED',
          staticSummary: `${kind} ${life.mark.gateway} (birth ${life.mark.birth})`,
          typedSearchAttributes: [
            { key: gatewayIdKey, value: life.mark.gateway },
            { key: operationKindKey, value: kind },
            { key: needsAttentionKey, value: false },
          ],
        });
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        this.#operation = renumber(this.#state, this.#operation);
      }
    }
  }

  #readEnd(error: unknown): OperationEnd {
    if (!this.#begun) return this.#neverBegan(error);
    const cause = error instanceof ChildWorkflowFailure ? error.cause : error;
    if (cause instanceof ApplicationFailure && cause.details?.[0]) {
      const result = cause.details[0] as OperationResult;
      return { operation: this.#operation, result, reason: result.reason };
    }
    const message = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    return {
      operation: this.#operation,
      result: undefined,
      reason: `operation ${this.#operation.number} was lost (${message})`,
    };
  }

  /** Cut short, or given up, before anything of it ran. */
  #neverBegan(error: unknown): OperationEnd {
    const reason = `it never began (${error instanceof Error ? error.message : String(error)})`;
    const outcome = this.#operation.kind === 'provision' ? 'undone' : 'stopped';
    const entered = this.#operation.change ? [] : this.#state.entered;
    return {
      operation: this.#operation,
      result: { outcome, reason, record: undefined, entered, skipped: [], left: [] },
      reason,
    };
  }
}
