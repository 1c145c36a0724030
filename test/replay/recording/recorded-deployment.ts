import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { keyCheck, masterKey } from '../../../src/domain/keys/token.js';
import { releaseUpdate, type ReleaseOrder } from '../../../src/wire/deployment-releases.js';
import { deploymentWorkflowId } from '../../../src/wire/ids.js';
import { continueAsNewSignal } from '../../../src/wire/messages.js';
import type { DirectoryGround } from '../../ground/directory-ground.js';
import { testDeployment, testKeyHex } from '../../world/open-test-world.js';
import type { Play, Scenarios } from './scenario.js';

export type DeploymentScenarios = Scenarios<RecordedDeployment, never>;

/** A deployment, of which every run is recorded. A namespace has one, so no gateway is recorded after it. */
export class RecordedDeployment implements Play {
  readonly #connection: Connection;
  readonly #handle: WorkflowHandle;
  readonly #client: Client;
  readonly #runs: string[];

  private constructor(client: Client, connection: Connection, run: string) {
    this.#client = client;
    this.#connection = connection;
    this.#handle = client.workflow.getHandle(deploymentWorkflowId);
    this.#runs = [run];
  }

  static async begin({ server, queue }: DirectoryGround): Promise<RecordedDeployment> {
    const connection = await Connection.connect({ address: server.address });
    const client = new Client({ connection });
    const key = masterKey(testKeyHex);
    const memo = { deployment: testDeployment, layout: 1, keyId: key.id, keyCheck: keyCheck(key, testDeployment) };
    const start = { workflowId: deploymentWorkflowId, taskQueue: queue, memo };
    const { firstExecutionRunId } = await client.workflow.start('deployment', start);
    return new RecordedDeployment(client, connection, firstExecutionRunId);
  }

  async tell(word: ReleaseOrder): Promise<void> {
    await this.#handle.executeUpdate(releaseUpdate, { args: [word] });
  }

  /** Begins another run. */
  async continueAsNew(): Promise<void> {
    const before = this.#runs.at(-1);
    await this.#handle.signal(continueAsNewSignal);
    for (;;) {
      const { runId } = await this.#handle.describe();
      if (runId !== before) return void this.#runs.push(runId);
      await sleep(50);
    }
  }

  async histories(name: string): Promise<Record<string, History>> {
    const histories = this.#runs.map(async (run, index) => {
      const history = await this.#client.workflow.getHandle(deploymentWorkflowId, run).fetchHistory();
      return [`${name}-run-${index + 1}`, history] as const;
    });
    return Object.fromEntries(await Promise.all(histories));
  }

  async close(): Promise<void> {
    await this.#handle.terminate();
    await this.#connection.close();
  }
}
