import assert from 'node:assert/strict';
import type { Activities } from '../../../src/activities/activities.js';
import type { Change } from '../../../src/domain/changes/change.js';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import type { OperationInput, OperationResult } from '../../../src/wire/operation.js';
import type { Operation } from '../../../src/workflows/record/operation.js';
import { Saga } from '../../../src/workflows/saga/saga.js';
import { provisionSteps } from '../../../src/workflows/provision/operation.js';
import { registry, stepsOf, stepsOfChange } from '../../../src/workflows/operations.js';

import type { TestWorld } from '../../world/open-test-world.js';
import { noFault } from './faults.js';
import { VirtualRuntime, type AnyActivities, type FaultPlan } from './virtual-runtime.js';

/** The lists of a change. */
export type ChangeLists = {
  readonly operation: Pick<Operation, 'kind' | 'steps'>;
  readonly steps: readonly string[];
  /** Activities beside those of creel that its steps name. */
  readonly activities?: (world: TestWorld) => AnyActivities;
  /** What the record holds as entered once such a change has begun, beside the steps of provisioning. */
  readonly owns?: readonly string[];
};

type Ran = OperationResult & { readonly runtime: VirtualRuntime };

/** A world with one provisioned gateway, and a change of it. */
export class ChangeStage {
  readonly world: TestWorld;
  gateway: Gateway;
  #entered: OperationInput['entered'] = [];

  readonly #proved: ChangeLists;

  constructor(world: TestWorld, proved: ChangeLists) {
    this.world = world;
    this.#proved = proved;
    this.gateway = world.gateway('g42');
  }

  get names() {
    return this.world.namesOf(this.gateway);
  }

  async provision(): Promise<void> {
    const runtime = new VirtualRuntime(this.world.activities, this.gateway, 0, noFault);
    const result = await new Saga(this.#input('provision', provisionSteps, []), runtime).begin();
    assert.equal(result.outcome, 'done', result.reason);
    this.#entered = result.entered;
  }

  async run(change: Change, plan: FaultPlan = noFault, steps = this.#proved.steps): Promise<Ran> {
    const { runtime, input } = this.#changing(change, plan, steps, []);
    return { ...(await new Saga(input, runtime).change({ limitMs: 300_000 })), runtime };
  }

  /** The same by a worker that sees the world in a way of its own. */
  async runWith(activities: Activities, change: Change, plan: FaultPlan): Promise<Ran> {
    const { runtime, input } = this.#changing(change, plan, this.#proved.steps, [], activities);
    return { ...(await new Saga(input, runtime).change({ limitMs: 300_000 })), runtime };
  }

  /** Runs another kind of change, by its own list. */
  async carryOut(change: Change): Promise<Ran> {
    return this.run(change, noFault, stepsOfChange(change));
  }

  async wayBack(change: Change, after: OperationResult): Promise<Ran> {
    const { runtime, input } = this.#changing(change, noFault, this.#proved.steps, after.entered);
    return { ...(await new Saga(input, runtime).cleanUp()), runtime };
  }

  async remove(): Promise<void> {
    const runtime = new VirtualRuntime(this.world.activities, this.gateway, 0, noFault);
    const owned = (this.#proved.owns ?? []).map((step) => ({ step, unsettledUntil: 0 }));
    const entered = [...this.#entered, ...owned];
    const names = entered.map(({ step }) => step);
    const steps = stepsOf('remove', names, false);
    const result = await new Saga(this.#input('remove', steps, entered), runtime).cleanUp();
    assert.equal(result.outcome, 'done');
  }

  #changing(
    change: Change,
    plan: FaultPlan,
    steps: readonly string[],
    entered: OperationInput['entered'],
    activities = this.world.activities,
  ) {
    const { operation } = this.#proved;
    const told = { ...this.gateway, change };
    const known = { ...activities, ...this.#proved.activities?.(this.world) };
    const rows = { ...registry, ...operation.steps };
    const runtime = new VirtualRuntime(known, told, defaultLimits.actMs - 1, plan, {}, rows);
    return { runtime, input: { ...this.#input(operation.kind, steps, entered), change } };
  }

  #input(kind: string, steps: readonly string[], entered: OperationInput['entered']): OperationInput {
    return {
      layout: 1,
      kind: kind as OperationInput['kind'],
      number: 1,
      gateway: this.gateway,
      steps,
      entered,
      limits: defaultLimits,
    };
  }
}
