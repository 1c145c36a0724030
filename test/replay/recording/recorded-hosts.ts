import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { gatewayWorkflowId, ledgerWorkflowId } from '../../../src/wire/ids.js';
import { cordonUpdate, hostsUpdate, placeUpdate, promiseSignal, recountSignal } from '../../../src/wire/ledger.js';
import { continueAsNewSignal, replyUpdate } from '../../../src/wire/messages.js';
import type { RestartInput } from '../../../src/wire/restart.js';
import { patienceMs } from '../../ground/patience.js';
import { shortLimits } from '../../ground/stage.js';
import { engineIdAt } from '../../world/directory-engine.js';
import { DirectoryHost } from '../../world/directory-host.js';
import { RecordedGateway } from './recorded-gateway.js';
import type { Scenarios } from './scenario.js';

export type HostScenarios = Scenarios<RecordedHosts, never>;

/** The ledger over one engine, a gateway that asks it, and the proof that follows a restart of the engine. */
export class RecordedHosts extends RecordedGateway {
  #run: WorkflowHandle | undefined;

  get #engine(): string {
    return engineIdAt(this.ground.root);
  }

  async beginLedger(): Promise<void> {
    const { workflow } = await this.client();
    this.#run = await workflow.start('ledger', {
      workflowId: ledgerWorkflowId,
      taskQueue: this.ground.queue,
      args: [{ layout: 1, limits: shortLimits }],
    });
    await this.#run.executeUpdate(hostsUpdate);
  }

  /** A place for a gateway of no record; whether there is one. */
  async place(gateway: string, memoryMb: number): Promise<boolean> {
    const asked = {
      gateway,
      birth: '7k3fq2',
      need: { memoryMb, cpus: 1, diskMb: 0 },
      engines: [this.#engine],
      silent: [],
    };
    return 'engine' in (await this.#ledger().executeUpdate(placeUpdate, { args: [asked] }));
  }

  async cordon(cordoned: boolean): Promise<void> {
    await this.#ledger().executeUpdate(cordonUpdate, { args: [{ engine: this.#engine, cordoned }] });
  }

  /** A gateway of no record goes, and all is counted anew. */
  async release(gateway: string): Promise<void> {
    const nothing = { memoryMb: 0, cpus: 0, diskMb: 0 };
    await this.#ledger().signal(promiseSignal, { gateway, birth: '7k3fq2', engine: this.#engine, need: nothing });
    await this.#ledger().signal(recountSignal);
    await this.#ledger().executeUpdate(hostsUpdate);
  }

  async carryLedger(): Promise<void> {
    const { workflow } = await this.client();
    const latest = workflow.getHandle(ledgerWorkflowId);
    const { runId } = await latest.describe();
    await latest.signal(continueAsNewSignal);
    const deadline = Date.now() + patienceMs;
    while ((await latest.describe()).runId === runId) {
      if (Date.now() > deadline) throw new Error('the ledger did not continue as new');
      await sleep(50);
    }
    this.#run = workflow.getHandle(ledgerWorkflowId);
  }

  /** An operator's word to the operation that is parked. */
  async answer(word: 'retry' | 'abort'): Promise<void> {
    const { park } = await this.describe();
    const handle = (await this.client()).workflow.getHandle(gatewayWorkflowId(this.id));
    await handle.executeUpdate(replyUpdate, { args: [{ park: park?.number ?? '', answer: word, origin: 'test' }] });
  }

  /** The host was started again, and whoever stands on it is proved anew. */
  async restart(): Promise<void> {
    const host = new DirectoryHost(this.ground.root);
    host.reboot();
    const { workflow } = await this.client();
    const upSince = new Date().toISOString();
    const input: RestartInput = {
      layout: 1,
      engine: this.#engine,
      was: [],
      host: 'here',
      upSince,
      limits: shortLimits,
    };
    this.#run = await workflow.start('proveRestarted', {
      workflowId: `engine/${this.#engine}/restart-${randomBytes(3).toString('hex')}`,
      taskQueue: this.ground.queue,
      args: [input],
    });
  }

  async ended(): Promise<void> {
    await this.#run?.result();
  }

  override async histories(name: string): Promise<Record<string, History>> {
    if ((await this.#hasLife()) && !name.startsWith('restart')) return super.histories(name);
    return { [name]: (await this.#run?.fetchHistory()) ?? {} };
  }

  override async close(): Promise<void> {
    const { workflow } = await this.client();
    await workflow
      .getHandle(ledgerWorkflowId)
      .terminate()
      .catch(() => undefined); // There may be none.
    await super.close();
  }

  async #hasLife(): Promise<boolean> {
    return this.describe().then(
      ({ life }) => life !== undefined,
      () => false,
    );
  }

  #ledger(): WorkflowHandle {
    if (!this.#run) throw new Error('there is no ledger');
    return this.#run;
  }
}
