import fs from 'node:fs';
import { acceptRequest, checkRequest } from '../../src/workflows/entity/accept.js';
import type { ChangeRequest } from '../../src/wire/change-requests.js';
import { tryDropAgain } from '../../src/workflows/replace/drop-state.js';
import { emptyState, expireState, type GatewayState, type Queued } from '../../src/workflows/record/state.js';
import { defaultLimits } from '../../src/wire/limits.js';
import {
  beginOperation,
  endOperation,
  enteredBefore,
  keepsState,
  loseOperation,
  oweAfter,
  operationSteps,
} from '../../src/workflows/entity/begin-end.js';
import { forgetSettled, heldMs } from '../../src/workflows/record/unsettled.js';
import type { OperationInput, OperationResult } from '../../src/wire/operation.js';
import {
  countFailure,
  dropUnknown,
  expireFormer,
  mayHaveSaved,
  outdateKept,
  refusedInRehearsal,
} from '../../src/workflows/replace/operation.js';
import type { Request } from '../../src/wire/requests.js';
import { Saga, toldOf, type Runtime } from '../../src/workflows/saga/saga.js';
import { scratchDirectory } from '../scratch.js';
import { openTestWorld, testDeployment, testSpec, type TestWorld } from '../world/open-test-world.js';
import { noFault } from './faults.js';
import { VirtualClock } from './virtual-clock.js';
import { Terminated, VirtualRuntime, type FaultPlan, type Outside } from './virtual-runtime.js';

/** The part of `Saga` that an operation uses. */
export type WholeSaga = new (
  input: OperationInput,
  runtime: Runtime,
) => Pick<Saga, 'begin' | 'repair' | 'change' | 'cleanUp'>;

/** A directory gateway is ready at once: nobody has to give it 45 seconds. */
const limits = { ...defaultLimits, readyFloorMs: 0 };
const place = { provider: 'local', host: 'local' } as const;
const birth = 'birth2';
let requests = 0;

export type Wish = ChangeRequest extends infer Each
  ? Each extends ChangeRequest
    ? Omit<Each, 'requestId' | 'origin' | 'place'>
    : never
  : never;

/** One gateway, whole: the pure state of its entity and the runs of its operations, in virtual time over a directory world. */
export class VirtualEntity {
  readonly world: TestWorld;
  readonly id = 'g42';
  state: GatewayState;
  /** The runs of its operations, in their order. */
  readonly runs: {
    readonly operation: Queued;
    readonly result: OperationResult | undefined;
    readonly runtime: VirtualRuntime;
  }[] = [];
  readonly #clock = new VirtualClock();
  readonly #SagaUnderProof: WholeSaga;

  constructor(world: TestWorld, state = emptyState(1, 0), SagaUnderProof: WholeSaga = Saga) {
    this.world = world;
    this.state = state;
    this.#SagaUnderProof = SagaUnderProof;
  }

  get now(): number {
    return this.#clock.now();
  }

  get life() {
    if (!this.state.life) throw new Error('there is no life on record');
    return this.state.life;
  }

  get names() {
    return this.world.namesOf(this.life);
  }

  provision(over: { how?: 'new' | 'restore' | 'take up'; spec?: typeof testSpec; birth?: string } = {}): void {
    const spec = over.spec ?? testSpec;
    const how = over.how ?? 'new';
    this.#ask({ kind: 'provision', spec, birth: over.birth ?? birth, how, ...this.#asked() });
  }

  remove(purge = false): void {
    this.#ask({ kind: 'remove', purge, ...this.#asked() });
  }

  ask(wish: Wish): void {
    this.#ask({ ...wish, ...this.#asked() });
  }

  #asked() {
    requests += 1;
    return { requestId: `r${requests}`, origin: 'test', place };
  }

  #ask(request: Request): void {
    checkRequest(this.state, request, limits);
    acceptRequest(this.state, request, testDeployment, this.id, this.now);
  }

  /** Begins what waits, as soon as it may, and runs it to its end, whatever that is. */
  async run(plan: FaultPlan = noFault, outside: Outside = {}): Promise<OperationResult | undefined> {
    await this.#clock.sleep(heldMs(this.state, this.now));
    forgetSettled(this.state, this.now);
    const operation = beginOperation(this.state, this.now);
    if (!operation) return undefined;
    const input = this.#inputOf(operation);
    const told = { ...toldOf(input), ...(operation.change && { change: operation.change }) };
    const runtime = new VirtualRuntime(this.world.activities, told, defaultLimits.actMs - 1, plan, {
      ...outside,
      clock: this.#clock,
    });
    const result = await this.#resultOf(input, runtime);
    this.runs.push({ operation, result, runtime });
    if (result) endOperation(this.state, operation, result, this.now);
    else loseOperation(this.state, operation, 'terminated by hand', defaultLimits, this.now);
    this.#outdate(operation, result);
    const refused = result && refusedInRehearsal(operation, result);
    if (refused !== undefined) countFailure(this.state, refused);
    oweAfter(this.state, operation, result, this.now);
    return result;
  }

  /** What is saved lets in whoever was put out since. */
  #outdate({ kind, change }: Queued, result: OperationResult | undefined): void {
    if (change?.kind !== 'rotate' || result?.outcome !== 'done' || kind === 'way-back') return;
    if (!change.evict && change.nextKeyId === undefined) return;
    outdateKept(this.state);
    if (mayHaveSaved(this.state)) dropUnknown(this.state);
  }

  /** Everything that waits is carried out. */
  async drain(): Promise<void> {
    for (let count = 0; this.state.queue.length > 0; count += 1) {
      if (count > 20) throw new Error(`something always waits: ${JSON.stringify(this.state.queue)}`);
      await this.run();
    }
  }

  /** Time passes, and what is due then is queued. */
  async pass(ms: number): Promise<void> {
    await this.#clock.sleep(ms);
    expireState(this.state, this.now);
    expireFormer(this.state, this.now);
    tryDropAgain(this.state, this.now);
  }

  #inputOf(operation: Queued): OperationInput {
    const { number, kind, change } = operation;
    const [steps, entered] = [operationSteps(this.state, operation), enteredBefore(this.state, operation)];
    const keeps = keepsState(this.state, operation) && { keeps: true as const };
    return { layout: 1, kind, number, gateway: this.life, steps, entered, limits, ...keeps, ...(change && { change }) };
  }

  async #resultOf(input: OperationInput, runtime: VirtualRuntime): Promise<OperationResult | undefined> {
    const saga = new this.#SagaUnderProof(input, runtime);
    try {
      if (input.kind === 'provision') return await saga.begin();
      if (input.kind === 'repair' || input.kind === 'restore') return await saga.repair();
      if (['remove', 'purge', 'way-back'].includes(input.kind)) return await saga.cleanUp();
      return await saga.change(input.kind === 'rotate' ? defaultLimits.rotationMs : undefined);
    } catch (error) {
      if (error instanceof Terminated) return undefined;
      throw error;
    }
  }
}

/** A world as it stood at some moment, from which others are begun: the same files, and the same record. */
export class Template {
  readonly #root: string;
  readonly #state: string;

  constructor(entity: VirtualEntity) {
    this.#root = scratchDirectory('creel-template-');
    fs.cpSync(entity.world.root, this.#root, { recursive: true, preserveTimestamps: true });
    this.#state = JSON.stringify(entity.state);
  }

  /** Runs a test on a copy of it. */
  async on(run: (entity: VirtualEntity) => Promise<void>, SagaUnderProof?: WholeSaga): Promise<void> {
    const root = scratchDirectory('creel-world-');
    fs.cpSync(this.#root, root, { recursive: true, preserveTimestamps: true });
    const world = openTestWorld(root);
    try {
      await run(new VirtualEntity(world, JSON.parse(this.#state), SagaUnderProof));
    } finally {
      world.close();
    }
  }

  close(): void {
    fs.rmSync(this.#root, { recursive: true, force: true });
  }
}
