import assert from 'node:assert/strict';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import type { OperationInput, OperationKind, OperationResult } from '../../../src/wire/operation.js';
import { toldOf, type Runtime } from '../../../src/workflows/saga/saga.js';
import { machineStep } from '../../../src/workflows/provision/operation.js';
import { registry } from '../../../src/workflows/operations.js';
import { openTestWorld, type TestWorld } from '../../world/open-test-world.js';
import type { DirectoryEngine } from '../../world/directory-engine.js';
import { at, everyAttempt, noFault } from './faults.js';
import { VirtualRuntime, type FaultPlan } from './virtual-runtime.js';

/** The part of `Saga` that is proved; a deliberately broken one is given to see the proofs catch it. */
type SagaClass = new (
  input: OperationInput,
  runtime: Runtime,
) => {
  begin(): Promise<OperationResult>;
  repair(): Promise<OperationResult>;
  cleanUp(): Promise<OperationResult>;
};

/** One statement about a list of steps, and the run that proves it. */
export type Proof = { readonly title: string; readonly run: () => Promise<void> };

const lateMs = defaultLimits.actMs - 1;

/** Everything that must hold of a list of steps, for each of its steps. */
export function sagaProofs(
  steps: readonly string[],
  SagaUnderProof: SagaClass,
  ground: (world: TestWorld) => SagaGround = onHost,
): Proof[] {
  const undoable = steps.filter((step) => registry[step]?.undo);
  const asked = steps.includes(machineStep) ? [machineStep] : undoable; // All the rest goes with its machine.
  const each = (of: readonly string[], title: string, run: (step: string, stage: Stage) => Promise<void>): Proof[] =>
    of.map((step) => ({
      title: `${step}: ${title}`,
      run: () => onStage(steps, SagaUnderProof, ground, (stage) => run(step, stage)),
    }));
  return [
    ...each(steps, 'done twice is the same as once', async (step, stage) => {
      await stage.begin();
      const once = stage.leftovers();
      await stage.cleanUp();
      await stage.begin(at(step, 'do', 'twice'));
      assert.deepEqual(stage.leftovers(), once);
      await stage.provesUsable();
    }),
    ...each(steps, 'its answer lost, it is done again and the gateway ends usable', async (step, stage) => {
      const { outcome } = await stage.begin(at(step, 'do', 'lose the answer'));
      assert.equal(outcome, 'done');
      stage.holdsOneOfEach();
      await stage.provesUsable();
    }),
    ...each(steps, 'two attempts at once end as one', async (step, stage) => {
      const { outcome } = await stage.begin(at(step, 'do', 'both at once'));
      assert.equal(outcome, 'done');
      stage.holdsOneOfEach();
      await stage.provesUsable();
    }),
    ...each(steps, 'failing before its effect, nothing is left and the error names it', async (step, stage) => {
      const result = await stage.begin(at(step, 'do', 'refuse before'));
      assert.equal(result.outcome, 'undone');
      assert.equal(result.reason, `${step}: ${step} was made to fail`);
      stage.isEmpty();
    }),
    ...each(steps, 'failing after its effect, nothing is left', async (step, stage) => {
      const result = await stage.begin(at(step, 'do', 'refuse after'));
      assert.equal(result.outcome, 'undone');
      assert.match(result.reason, new RegExp(`^${step}: `));
      stage.isEmpty();
    }),
    ...each(steps, 'unwinding goes newest first: no undo has to be tried again', async (step, stage) => {
      const { undoAttempts } = (await stage.begin(at(step, 'do', 'refuse after'))).runtime;
      assert.deepEqual(
        undoAttempts.filter(({ attempt }) => attempt > 1),
        [],
      );
    }),
    ...each(steps, 'only what is not gone with something else is asked to be undone', async (step, stage) => {
      const { undoAttempts } = (await stage.begin(at(step, 'do', 'refuse after'))).runtime;
      const others = undoAttempts.map((undo) => undo.step).filter((undone) => !asked.includes(undone));
      assert.deepEqual(others, []);
    }),
    ...each(steps, 'its effect landing after the undo leaves nothing', async (step, stage) => {
      const result = await stage.begin(at(step, 'do', 'late'));
      assert.equal(result.outcome, 'undone');
      await result.runtime.outlast();
      stage.isEmpty();
    }),
    ...each(asked, 'undone twice is the same as once', async (step, stage) => {
      await stage.begin();
      const result = await stage.cleanUp(at(step, 'undo', 'twice'));
      assert.equal(result.outcome, 'done');
      stage.isEmpty();
    }),
    ...each(asked, 'its undo failing is loud and stops no other', async (step, stage) => {
      await stage.begin();
      const result = await stage.cleanUp(at(step, 'undo', 'refuse before', everyAttempt));
      assert.equal(result.outcome, 'left');
      assert.ok(result.left.some((left) => left.step === step));
      assert.ok(
        result.runtime.pages.some((title) => title.includes(`undo ${step}`)),
        'a person is paged',
      );
      assert.ok(
        result.entered.some((entered) => entered.step === step),
        'it is still remembered',
      );
      const again = await stage.cleanUp();
      assert.equal(again.outcome, 'done');
      stage.isEmpty();
    }),
    ...each(asked, 'its undo failing while a birth unwinds leaves only what it names', async (step, stage) => {
      const result = await stage.begin((asked, doing, attempt) => {
        if (asked === step && doing === 'undo') return 'refuse before';
        return at('read back', 'do', 'refuse after')(asked, doing, attempt);
      });
      assert.equal(result.outcome, 'left');
      assert.deepEqual(stage.missingUndos(step), []);
    }),
    ...each(steps, 'cleaned up from here, twice, nothing is left', async (step, stage) => {
      await stage.stopAfter(step);
      assert.equal((await stage.cleanUp()).outcome, 'done');
      stage.isEmpty();
      assert.equal((await stage.cleanUp()).outcome, 'done');
      stage.isEmpty();
    }),
    ...each(steps, 'repaired from here, the gateway ends usable', async (step, stage) => {
      await stage.stopAfter(step);
      assert.equal((await stage.repair()).outcome, 'done');
      stage.holdsOneOfEach();
      await stage.provesUsable();
    }),
    ...each(steps, 'no end of a repair removes what existed before it', async (step, stage) => {
      await stage.begin();
      const before = stage.leftovers();
      for (const fault of ['refuse before', 'refuse after', 'late'] as const) {
        const result = await stage.repair(at(step, 'do', fault));
        assert.equal(result.outcome, 'stopped');
        assert.match(result.reason, new RegExp(`^${step}: `));
        await result.runtime.outlast();
        assert.deepEqual(stage.leftovers(), before);
      }
      assert.equal((await stage.repair()).outcome, 'done');
      assert.deepEqual(stage.leftovers(), before);
      await stage.provesUsable();
    }),
    ...each(steps, 'what went missing behind our back is mended', async (step, stage) => {
      await stage.begin();
      stage.engine.forget('container', stage.names.container);
      assert.equal((await stage.repair(at(step, 'do', 'lose the answer'))).outcome, 'done');
      stage.holdsOneOfEach();
      await stage.provesUsable();
    }),
    ...each(steps, 'stopped, and its network gone behind our back, it is mended', async (step, stage) => {
      await stage.begin();
      stage.engine.crash(stage.names.container);
      stage.engine.forget('network', stage.names.network);
      assert.equal((await stage.repair(at(step, 'do', 'lose the answer'))).outcome, 'done');
      stage.holdsOneOfEach();
      await stage.provesUsable();
    }),
    ...each(
      steps,
      'with the state gone behind our back a repair is refused, and nothing is made',
      async (step, stage) => {
        await stage.begin();
        stage.engine.forget('container', stage.names.container);
        stage.engine.forget('volume', stage.names.volume);
        const before = stage.leftovers();
        const result = await stage.repair(at(step, 'do', 'lose the answer'));
        assert.equal(result.outcome, 'stopped');
        assert.match(result.reason, /the state of g42 \(birth \w{6}\) is gone .*`creel remove g42 --purge/);
        assert.deepEqual(stage.leftovers(), before);
      },
    ),
  ];
}

/** Where a gateway is to stand, and what is bought for it. */
export type SagaGround = {
  readonly gateway: Gateway;
  readonly engine: () => DirectoryEngine;
  /** What was bought in a world and is there. */
  readonly bought: () => string[];
  /** What a gateway that is ready has bought. */
  readonly ownsBought: readonly string[];
};

/** On the engine beside the worker. */
function onHost(world: TestWorld): SagaGround {
  return { gateway: world.gateway('g42'), engine: () => world.engine, bought: () => [], ownsBought: [] };
}

type Ran = OperationResult & { readonly runtime: VirtualRuntime };

/** A world with one gateway on it, and what earlier operations of its life entered. */
class Stage {
  readonly world: TestWorld;
  gateway: Gateway;
  readonly #ground: SagaGround;
  readonly #steps: readonly string[];
  readonly #SagaUnderProof: SagaClass;
  #entered: OperationInput['entered'] = [];

  constructor(world: TestWorld, steps: readonly string[], SagaUnderProof: SagaClass, ground: SagaGround) {
    this.world = world;
    this.#ground = ground;
    this.gateway = ground.gateway;
    this.#steps = steps;
    this.#SagaUnderProof = SagaUnderProof;
  }

  /** The engine on which the gateway stands. */
  get engine(): DirectoryEngine {
    return this.#ground.engine();
  }

  /** What is there of the gateway, and of what was bought for it. */
  leftovers(): string[] {
    return [...this.#ground.bought(), ...this.engine.leftovers()].toSorted();
  }

  get names() {
    return this.world.namesOf(this.gateway);
  }

  begin(plan: FaultPlan = noFault): Promise<Ran> {
    return this.#run('provision', this.#steps, plan);
  }

  repair(plan: FaultPlan = noFault): Promise<Ran> {
    return this.#run('repair', this.#steps, plan);
  }

  cleanUp(plan: FaultPlan = noFault): Promise<Ran> {
    return this.#run('remove', this.#steps, plan);
  }

  /** The list read up to and including this step, and then nothing any more: a worker that died for good. */
  async stopAfter(step: string): Promise<void> {
    await this.#run('repair', this.#steps.slice(0, this.#steps.indexOf(step) + 1), noFault);
  }

  async #run(kind: OperationKind, steps: readonly string[], plan: FaultPlan): Promise<Ran> {
    const input = {
      layout: 1,
      kind,
      number: 1,
      gateway: this.gateway,
      steps,
      entered: this.#entered,
      limits: defaultLimits,
    } as const;
    const runtime = new VirtualRuntime(this.world.activities, toldOf(input, registry), lateMs, plan);
    const saga = new this.#SagaUnderProof(input, runtime);
    const result = await { provision: () => saga.begin(), repair: () => saga.repair(), remove: () => saga.cleanUp() }[
      kind as 'provision' | 'repair' | 'remove'
    ]();
    this.#entered = result.entered;
    const isGone = result.outcome === 'undone' || (kind === 'remove' && result.outcome === 'done');
    const engine = isGone ? undefined : runtime.engine;
    this.gateway =
      engine === undefined ? this.#ground.gateway : { ...this.gateway, place: { ...this.gateway.place, engine } };
    return { ...result, runtime };
  }

  isEmpty(): void {
    assert.deepEqual(this.leftovers(), []);
  }

  holdsOneOfEach(): void {
    const { container, network, volume } = this.names;
    const own = [`container ${container}`, `network ${network}`, `volume ${volume}`];
    assert.deepEqual(this.leftovers(), [...this.#ground.ownsBought, ...own].toSorted());
  }

  /** Of what other undos than this one remove, what is still there. */
  missingUndos(step: string): string[] {
    if (step === machineStep) return []; // All of it stands on it.
    const { container, network, volume } = this.names;
    const makes: Record<string, string> = {
      'keep state': `volume ${volume}`,
      'join network': `network ${network}`,
      'start container': `container ${container}`,
    };
    // A volume and a network cannot go while the container that names them stays.
    const held = step === 'start container' ? Object.values(makes) : [makes[step]];
    return this.leftovers().filter((left) => !held.includes(left));
  }

  /** A client from outside is let in with the derived token, by a gateway that the engine keeps running. */
  async provesUsable(): Promise<void> {
    const record = await this.world.activities.findGateway(this.gateway);
    assert.equal(record.version, this.gateway.spec.release);
    assert.deepEqual(record.operatorScopes, ['operator.admin']);
    const container = await this.engine.findContainer(this.names.container);
    assert.equal(container?.restartPolicy, 'always');
  }
}

async function onStage(
  steps: readonly string[],
  SagaUnderProof: SagaClass,
  ground: (world: TestWorld) => SagaGround,
  run: (stage: Stage) => Promise<void>,
): Promise<void> {
  const world = openTestWorld();
  try {
    await run(new Stage(world, steps, SagaUnderProof, ground(world)));
  } finally {
    world.close();
  }
}
