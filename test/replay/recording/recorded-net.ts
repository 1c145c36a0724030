import { randomBytes } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { markLabels, names } from '../../../src/domain/gateway/gateway.js';
import { replacementNames } from '../../../src/domain/changes/replacement.js';
import type { SweepInput } from '../../../src/wire/sweep.js';
import type { DirectoryGround } from '../../ground/directory-ground.js';
import { shortLimits } from '../../ground/stage.js';
import { RecordedGateway } from './recorded-gateway.js';
import type { Play, Scenarios } from './scenario.js';

export type NetScenarios = Scenarios<RecordedNet, SweepInput>;

/** A sweep and a reconciliation over a gateway on whose engine things lie that are not as they should be. */
export class RecordedNet implements Play {
  readonly #gateway: RecordedGateway;
  readonly #ground: DirectoryGround;
  readonly #input: SweepInput;
  #run: WorkflowHandle | undefined;

  private constructor(gateway: RecordedGateway, ground: DirectoryGround, input: SweepInput) {
    this.#gateway = gateway;
    this.#ground = ground;
    this.#input = input;
  }

  /** A gateway that is ready; a trial's copy of its state, which is nobody's; and a volume of a gateway on no record. */
  static async begin(ground: DirectoryGround, input: Partial<SweepInput> = {}): Promise<RecordedNet> {
    const stage = new RecordedGateway(ground);
    await stage.provision({ spec: { ...stage.spec, repair: 'scheduled' } });
    const { life } = await stage.settled();
    if (!life) throw new Error(`gateway ${stage.id} has no life`);
    const { mark } = life;
    const lost = { ...mark, gateway: `${mark.gateway}-lost` };
    const { engine } = ground.world;
    await engine.createVolume({ name: replacementNames(mark).trial, labels: markLabels(mark) });
    await engine.createVolume({ name: names(lost).volume, labels: markLabels(lost) });
    return new RecordedNet(stage, ground, { dryRun: false, limits: shortLimits, ...input });
  }

  async start(type: 'sweep' | 'reconcile'): Promise<void> {
    const { workflow } = await this.#gateway.client();
    const workflowId = `${type}/record-${randomBytes(3).toString('hex')}`;
    this.#run = await workflow.start(type, { workflowId, taskQueue: this.#ground.queue, args: [this.#input] });
  }

  /** The removal of what is nobody's is held. */
  hold(): void {
    this.#gateway.interfere('ensureSwept', 'hold before');
  }

  held(): Promise<number> {
    return this.#gateway.held('ensureSwept');
  }

  /** Somebody removes the gateway's container behind our back. */
  async lose(): Promise<void> {
    this.#ground.world.engine.forget('container', await this.#gateway.container());
  }

  async ended(): Promise<void> {
    await this.#run?.result();
  }

  async histories(name: string): Promise<Record<string, History>> {
    if (!this.#run) throw new Error('nothing was started');
    return { [name]: await this.#run.fetchHistory() };
  }

  async close(): Promise<void> {
    await this.#run?.terminate().catch(() => undefined); // Most have ended.
    await this.#gateway.close();
  }
}
