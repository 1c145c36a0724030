import fs from 'node:fs';
import { acceptRequest } from '../../../src/workflows/entity/accept.js';
import { checkRequest } from '../../../src/workflows/entity/check.js';
import type { ChangeRequest } from '../../../src/wire/change-requests.js';
import { letGo } from '../../../src/workflows/entity/owed.js';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import type { Life } from '../../../src/workflows/record/life.js';
import { changeIn, type Begun } from '../../../src/workflows/record/queued.js';
import { machineNames } from '../../../src/domain/hosts/machine.js';
import { emptyState, expireState, placeOn, type GatewayState } from '../../../src/workflows/record/state.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import {
  beginOperation,
  endOperation,
  enteredBefore,
  keepsState,
  loseOperation,
  operationSteps,
} from '../../../src/workflows/entity/begin-end.js';
import { forgetSettled, heldMs } from '../../../src/workflows/record/unsettled.js';
import { readsBackward, type OperationInput, type OperationResult } from '../../../src/wire/operation.js';
import { asidesOf } from '../../../src/workflows/remove/operation.js';
import { followUp } from '../../../src/workflows/entity/follow-up.js';
import type { Request } from '../../../src/wire/requests.js';
import { mannerOf, registry } from '../../../src/workflows/operations.js';
import { Saga, toldOf, type Runtime } from '../../../src/workflows/saga/saga.js';
import { DirectoryEngine } from '../../world/directory-engine.js';
import { rootOf } from '../../world/machine-world.js';
import { scratchDirectory } from '../../world/scratch.js';
import { openTestWorld, testDeployment, testSpec, type TestWorld } from '../../world/open-test-world.js';
import { noFault } from './faults.js';
import { billOf } from './machine-ground.js';
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
    readonly operation: Begun;
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

  get life(): Life {
    if (!this.state.life) throw new Error('there is no life on record');
    return this.state.life;
  }

  get gateway(): Gateway {
    return this.life.gateway;
  }

  get names() {
    return this.world.namesOf(this.gateway);
  }

  /** Where what its engine holds lies: the world's own, or that of its machine. */
  get root(): string {
    return this.state.life ? rootOf(this.world.root, this.gateway.place) : this.world.root;
  }

  /** The engine on which it stands. */
  get engine(): DirectoryEngine {
    return this.root === this.world.root ? this.world.engine : new DirectoryEngine(this.root);
  }

  /** What is there of it, and of what was bought for it. */
  leftovers(): string[] {
    return [...billOf(this.world), ...this.engine.leftovers()].toSorted();
  }

  /** What is bought for it once it is ready. */
  get bought(): string[] {
    const { mark, spec } = this.gateway;
    const { machine, address } = machineNames(mark);
    if (!spec.machine) return [];
    return [`machine ${machine}`, ...(spec.machine.address === 'static' ? [`address ${address}`] : [])];
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
    const change = changeIn(operation);
    const told = { ...toldOf(input, registry), ...(change && { change }) };
    const runtime = new VirtualRuntime(this.world.activities, told, defaultLimits.actMs - 1, plan, {
      ...outside,
      clock: this.#clock,
    });
    const result = await this.#resultOf(input, runtime);
    this.runs.push({ operation, result, runtime });
    const { engine } = runtime;
    if (engine !== undefined) placeOn(this.state, { operation: operation.number, engine });
    if (result) endOperation(this.state, operation, result, this.now);
    else loseOperation(this.state, operation, 'terminated by hand', defaultLimits, this.now);
    followUp(this.state, { operation, result }, this.now, () => true);
    return result;
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
    letGo(this.state, this.now);
  }

  #inputOf(operation: Begun): OperationInput {
    const { number, kind } = operation;
    const change = changeIn(operation);
    const { gateway } = this;
    const [steps, entered] = [operationSteps(this.state, operation), enteredBefore(this.state, operation)];
    const keeps = keepsState(this.state, operation) && { keeps: true as const };
    return { layout: 1, kind, number, gateway, steps, entered, limits, ...keeps, ...(change && { change }) };
  }

  async #resultOf(input: OperationInput, runtime: VirtualRuntime): Promise<OperationResult | undefined> {
    const saga = new this.#SagaUnderProof(input, runtime);
    try {
      if (input.kind === 'provision') return await saga.begin();
      if (['repair', 'restore', 'resume'].includes(input.kind)) return await saga.repair();
      if (readsBackward(input.kind)) return await saga.cleanUp(asidesOf(input));
      return await saga.change(mannerOf(input));
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
