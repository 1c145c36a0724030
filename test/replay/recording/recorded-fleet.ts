import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import type { FleetPlan } from '../../../src/domain/fleet/fleet.js';
import { fleetStatusQuery, fleetOrderUpdate, type FleetInput } from '../../../src/wire/fleet.js';
import { fleetWorkflowId } from '../../../src/wire/ids.js';
import { continueAsNewSignal } from '../../../src/wire/messages.js';
import type { DirectoryGround } from '../../ground/directory-ground.js';
import { DirectoryStage } from '../../ground/directory-stage.js';
import { shortLimits } from '../../ground/stage.js';
import { testSpec } from '../../world/open-test-world.js';
import type { Play, Scenarios } from './scenario.js';

export type FleetScenarios = Scenarios<RecordedFleet, FleetPlan>;

const usual: FleetPlan = { window: 1, maxFailed: 1, beginWithinMs: 60_000 };

/** A run over three gateways, which is recorded. */
export class RecordedFleet implements Play {
  readonly #stages: readonly DirectoryStage[];
  readonly #run: WorkflowHandle;
  /** The second gateway whose turn it was: it is held. */
  readonly #second: DirectoryStage;

  private constructor(stages: readonly DirectoryStage[], run: WorkflowHandle, second: DirectoryStage) {
    this.#stages = stages;
    this.#run = run;
    this.#second = second;
  }

  /** A run of this name as far as its second gateway. */
  static async begin(ground: DirectoryGround, name: string, plan: Partial<FleetPlan> = {}): Promise<RecordedFleet> {
    const stages = [1, 2, 3].map(() => new DirectoryStage(ground));
    for (const stage of stages) {
      await stage.provision({ spec: { ...testSpec, rotation: 'scheduled' } });
      await stage.settled();
      stage.interfere('ensureToken', 'hold before');
    }
    const [first] = stages;
    if (!first) throw new Error('a fleet has gateways');
    const limits = { ...shortLimits, fleetPage: 2 };
    const input: FleetInput = { layout: 1, run: name, origin: 'record', plan: { ...usual, ...plan }, limits };
    const start = { workflowId: fleetWorkflowId(name), taskQueue: ground.queue, args: [input] };
    const { workflow } = await first.client();
    await workflow.start('rotateFleet', start);
    const run = workflow.getHandle(start.workflowId);
    return new RecordedFleet(stages, run, await untilSecond(run, stages));
  }

  held(): Promise<number> {
    return this.#second.held('ensureToken');
  }

  /** The held gateway goes on. */
  letGo(): void {
    this.#second.letGo('ensureToken');
  }

  /** Every gateway goes on. */
  letAllGo(): void {
    for (const stage of this.#stages) stage.letGo('ensureToken');
  }

  failAll(): void {
    for (const stage of this.#stages) stage.interfere('ensureToken', 'fail');
  }

  /** Nothing runs at the gateway that was held. */
  async settled(): Promise<void> {
    await this.#second.settled();
  }

  async tell(word: 'pause' | 'abort'): Promise<void> {
    await this.#run.executeUpdate(fleetOrderUpdate, { args: [{ word, origin: 'record' }] });
  }

  continueAsNew(): Promise<void> {
    return this.#run.signal(continueAsNewSignal);
  }

  /** Waits for the end of the run, whatever it is. */
  async ended(): Promise<void> {
    await this.#run.result().catch(() => undefined); // Stopped and aborted ones fail, which is what is recorded.
  }

  async histories(name: string): Promise<Record<string, History>> {
    return { [name]: await this.#run.fetchHistory() };
  }

  /** Takes its gateways away: the next fleet is another one. */
  async close(): Promise<void> {
    for (const stage of this.#stages) {
      const { workflowId } = await stage.remove();
      stage.letGo('ensureToken');
      await stage.result(workflowId);
    }
    await this.#run.terminate().catch(() => undefined); // Most have ended.
    for (const stage of this.#stages) await stage.close();
  }
}

/** Lets the first gateway of a run through; answers the second one, which is held. */
async function untilSecond(run: WorkflowHandle, stages: readonly DirectoryStage[]): Promise<DirectoryStage> {
  for (;;) {
    const { ends, open } = await run.query(fleetStatusQuery);
    const held = stages.find(({ id }) => id === open[0]);
    const isSecond = ends.some(({ end }) => end === 'done');
    if (isSecond && held) return held;
    held?.letGo('ensureToken');
    await sleep(20);
  }
}
