import type { History } from '@temporalio/common/lib/proto-utils.js';
import type { GatewaySpec } from '../../../src/domain/gateway/spec.js';
import { gatewayWorkflowId } from '../../../src/wire/ids.js';
import type { DirectoryGround } from '../../ground/directory-ground.js';
import { DirectoryStage } from '../../ground/directory-stage.js';
import type { Interference } from '../../ground/interference.js';
import { DirectoryDevice } from '../../world/directory-device.js';
import { testSpec } from '../../world/open-test-world.js';
import type { Play, Scenarios } from './scenario.js';

export type GatewayScenarios = Scenarios<RecordedGateway, GatewaySpec>;

/** A gateway whose record and newest operation are recorded, and a device of somebody who wants in. */
export class RecordedGateway extends DirectoryStage implements Play {
  readonly spec: GatewaySpec;
  readonly #interfered = new Set<string>();
  #device: DirectoryDevice | undefined;

  constructor(ground: DirectoryGround, limits: Partial<GatewaySpec> = {}) {
    super(ground);
    this.spec = { ...testSpec, ...limits };
  }

  override interfere(activity: string, interference: Interference): void {
    this.#interfered.add(activity);
    super.interfere(activity, interference);
  }

  async histories(name: string): Promise<Record<string, History>> {
    const { running, last } = await this.describe();
    return {
      [`${name}-gateway`]: await this.history(gatewayWorkflowId(this.id)),
      [`${name}-operation`]: await this.history(running?.workflowId ?? last?.workflowId ?? ''),
    };
  }

  protected async history(workflowId: string, run?: string): Promise<History> {
    return (await this.client()).workflow.getHandle(workflowId, run).fetchHistory();
  }

  /** The birth of the life on record. */
  async birth(): Promise<string> {
    const { life } = await this.describe();
    if (!life) throw new Error(`gateway ${this.id} has no life`);
    return life.mark.birth;
  }

  async container(): Promise<string> {
    return `oc-${this.id}-${await this.birth()}`;
  }

  /** A new device, which asks for these scopes. */
  newDevice(scopes: string[]): DirectoryDevice {
    this.#device = new DirectoryDevice(this.ground.world.root, { scopes });
    return this.#device;
  }

  get deviceId(): string {
    if (!this.#device) throw new Error(`no device knocks at gateway ${this.id}`);
    return this.#device.id;
  }

  /** Somebody ends a workflow, as no part of creel does. */
  async terminate(workflowId: string): Promise<void> {
    await (await this.client()).workflow.getHandle(workflowId).terminate('record');
  }

  /** Whatever is held goes on: attempts that are held for ever take the places of others in the worker. */
  override async close(): Promise<void> {
    for (const activity of this.#interfered) this.letGo(activity);
    this.#device?.stop();
    await super.close();
  }
}

/** A gateway of which every run of its record is recorded: each but the last has ended by continuing as new. */
export class RecordedRuns extends RecordedGateway {
  override async histories(name: string): Promise<Record<string, History>> {
    const id = gatewayWorkflowId(this.id);
    const runs: string[] = [];
    const { workflow } = await this.client();
    for await (const { runId } of workflow.list({ query: `WorkflowId = "${id}"` })) runs.unshift(runId);
    const histories = runs.map(
      async (run, index) => [`${name}-run-${index + 1}`, await this.history(id, run)] as const,
    );
    return Object.fromEntries(await Promise.all(histories));
  }
}
