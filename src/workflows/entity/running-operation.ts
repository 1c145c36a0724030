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
import { isMachine } from '../../domain/hosts/place.js';
import { changeIn, isRemoval, staysKept, type Begun } from '../record/queued.js';
import type { GatewayState } from '../record/state.js';
import { enteredBefore, keepsState, operationSteps, renumber } from './begin-end.js';
import { operationPrefix, operationWorkflowId, waitsQueue } from '../../wire/ids.js';
import type { Limits } from '../../wire/limits.js';
import type { OperationInput, OperationResult } from '../../wire/operation.js';
import type { OperationEnd } from './follow-up.js';
import { changeOf, operationOf } from '../operations.js';
import { askPolicy } from '../saga/policies.js';
import type { searchLives, SearchInput } from '../provision/take-up.js';
import { isThere } from '../remove/forsaken.js';
import { beingRemovedSignal, engineGoneSignal, replySignal } from '../../wire/messages.js';
import type { GatewayStart } from '../../wire/requests.js';
import type { Reply } from '../../wire/park.js';
import { gatewayIdKey, needsAttentionKey, operationKindKey } from '../../wire/search-attributes.js';

/** The type of an operation's run: what it is called in the Temporal UI. */
function typeOf(begun: Begun): string {
  const operation = begun.kind === 'change' ? changeOf(begun.change) : operationOf(begun.kind);
  if (!operation) throw new Bug(`no operation is called ${begun.kind}`);
  return operation.workflow;
}

/** The gateway as its operation is told of it: with the engine on which it is to look for it, where none is on record. */
function whereSought(gateway: Gateway, operation: Begun): Gateway {
  const engine = 'change' in operation ? undefined : operation.engine;
  if (engine === undefined || gateway.place.engine !== undefined) return gateway;
  return { ...gateway, place: { ...gateway.place, engine } };
}

/** Whether its engine is looked for first: of a life that begins, or whose record names none, and not on a machine of its own. */
function isSought({ place }: Gateway, kind: OperationInput['kind']): boolean {
  return !isMachine(place) && (kind === 'provision' || place.engine === undefined);
}

/** A deadline counts worked time: a tenth of it is what an outage can add at most, for ten timers in an operation that uses all of it. */
const deadlineSlices = 10;

/** The one operation that an entity runs: a child workflow, its cancellation and its operator's words. */
export class RunningOperation {
  readonly #start: GatewayStart;
  readonly #state: GatewayState;
  readonly #scope = new CancellationScope();
  #operation: Begun;
  #child: ChildWorkflowHandle<Workflow> | undefined;
  #begun = false;
  ended = false;

  constructor(start: GatewayStart, state: GatewayState, operation: Begun) {
    this.#start = start;
    this.#state = state;
    this.#operation = operation;
  }

  /** Runs it to its end: with a result, or lost. */
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
    const gateway = this.#state.life?.gateway;
    if (!gateway || (await isThere(gateway, this.#start.limits))) return;
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
    const gateway = this.#state.life?.gateway;
    if (!this.#state.alone) await this.#awaitEarlierOperations();
    this.#state.alone = true;
    this.#begun = true;
    if (!gateway) return this.#searchLives();
    const child = await this.#startChild(gateway);
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

  async #startChild(gateway: Gateway): Promise<ChildWorkflowHandle<Workflow>> {
    for (;;) {
      const { number, kind } = this.#operation;
      const change = changeIn(this.#operation);
      const isGone = isRemoval(this.#operation) && this.#operation.gone;
      const input: OperationInput = {
        layout: 1,
        kind,
        number,
        gateway: whereSought(gateway, this.#operation),
        steps: operationSteps(this.#state, this.#operation),
        entered: enteredBefore(this.#state, this.#operation),
        limits: this.#limits(),
        ...(change && { change }),
        forsakes: true,
        ...(keepsState(this.#state, this.#operation) && { keeps: true as const }),
        ...(isGone && { gone: true as const }),
        ...(staysKept(this.#operation) && { kept: true as const }),
        ...(isSought(gateway, kind) && { seek: true as const }),
      };
      try {
        return await startChild(typeOf(this.#operation), {
          workflowId: operationWorkflowId(gateway.mark.gateway, gateway.mark.birth, number, kind),
          args: [input],
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
          cancellationType: 'WAIT_CANCELLATION_COMPLETED',
          staticSummary: `${kind} ${gateway.mark.gateway} (birth ${gateway.mark.birth})`,
          typedSearchAttributes: [
            { key: gatewayIdKey, value: gateway.mark.gateway },
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

  #limits(): Limits {
    const change = changeIn(this.#operation);
    const usual = { ...this.#start.limits, deadlineSlices };
    return (change && changeOf(change)?.limits?.(usual, change)) ?? usual;
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
    const entered = 'change' in this.#operation ? [] : (this.#state.life?.entered ?? []);
    return {
      operation: this.#operation,
      result: { outcome, reason, record: undefined, entered, skipped: [], left: [] },
      reason,
    };
  }
}
