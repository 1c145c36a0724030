import { randomBytes } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { newRecipient } from '../../../src/domain/keys/seal.js';
import { logWorkflowId } from '../../../src/wire/ids.js';
import type { LogCursor, LogInput, LogRequest } from '../../../src/wire/log.js';
import { nextLogLinesUpdate } from '../../../src/wire/messages.js';
import type { DirectoryGround } from '../../ground/directory-ground.js';
import { shortLimits } from '../../ground/stage.js';
import { RecordedGateway } from './recorded-gateway.js';
import type { Play, Scenarios } from './scenario.js';

export type LogScenarios = Scenarios<RecordedLog, LogRequest>;

/** A reader who has not asked for so long has gone (ms). */
const logGoneMs = 2_000;

/** The reading of a log of a gateway that has said something. */
export class RecordedLog implements Play {
  readonly #gateway: RecordedGateway;
  readonly #run: WorkflowHandle;
  #cursor: LogCursor | null = null;

  private constructor(gateway: RecordedGateway, run: WorkflowHandle) {
    this.#gateway = gateway;
    this.#run = run;
  }

  static async begin(ground: DirectoryGround, asked: Partial<LogRequest> = {}): Promise<RecordedLog> {
    const stage = new RecordedGateway(ground);
    await stage.provision({ spec: stage.spec });
    const { life } = await stage.settled();
    if (!life) throw new Error(`gateway ${stage.id} has no life`);
    ground.world.engine.say(await stage.container(), ['line 1', 'line 2']);
    const recipient = (await newRecipient()).publicKey;
    const reader = randomBytes(8).toString('hex');
    const limits = { ...shortLimits, logGoneMs };
    const input: LogInput = {
      gateway: life,
      recipient,
      who: 'record',
      reader,
      asked: { follow: false, ...asked },
      limits,
    };
    const start = {
      workflowId: logWorkflowId(stage.id, life.mark.birth, 'record'),
      taskQueue: ground.queue,
      args: [input],
    };
    const { workflow } = await stage.client();
    await workflow.start('readLog', start);
    return new RecordedLog(stage, workflow.getHandle(start.workflowId));
  }

  /** One question, and its answer. */
  async ask(): Promise<void> {
    const { cursor } = await this.#run.executeUpdate(nextLogLinesUpdate, { args: [this.#cursor] });
    this.#cursor = cursor ?? null;
  }

  /** One question, the answer of which is held. */
  async holdNext(): Promise<void> {
    this.#gateway.interfere('findLogLines', 'hold before');
    await this.#run.startUpdate(nextLogLinesUpdate, { args: [this.#cursor], waitForStage: 'ACCEPTED' });
  }

  held(): Promise<number> {
    return this.#gateway.held('findLogLines');
  }

  /** The reader says that it goes. */
  async leave(): Promise<void> {
    await this.#run.cancel();
  }

  async ended(): Promise<void> {
    await this.#run.result();
  }

  async histories(name: string): Promise<Record<string, History>> {
    return { [name]: await this.#run.fetchHistory() };
  }

  async close(): Promise<void> {
    await this.#run.terminate().catch(() => undefined); // Most have ended.
    await this.#gateway.close();
  }
}
