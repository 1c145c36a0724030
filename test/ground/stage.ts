import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, WithStartWorkflowOperation, WorkflowNotFoundError } from '@temporalio/client';
import { birthFrom } from '../../src/domain/gateway/gateway.js';
import { gatewayWorkflowId } from '../../src/wire/ids.js';
import { updateIdOf } from '../../src/client/update-id.js';
import type { RotateRequest } from '../../src/wire/change-requests.js';
import { defaultLimits, type Limits } from '../../src/wire/limits.js';
import { continueAsNewSignal, describeQuery, requestUpdate } from '../../src/wire/messages.js';
import type { Accepted, GatewayStart, ProvisionRequest, RemoveRequest, Request } from '../../src/wire/requests.js';
import type { Description } from '../../src/wire/description.js';
import { testSpec } from '../world/open-test-world.js';
import type { Ground } from './ground.js';
import { type Interference } from './interference.js';
import { patienceMs } from './patience.js';

/** Limits short enough for a test that waits for each of them. */
export const shortLimits: Limits = {
  ...defaultLimits,
  actMs: 3_000,
  waitMs: 6_000,
  fetchMs: 6_000,
  undoMs: 5_000,
  retryMs: 50,
  retryMaxMs: 200,
  heartbeatMs: 700,
  slowHeartbeatMs: 1_000,
  waitHeartbeatMs: 1_000,
  settleMs: 300,
  readyFloorMs: 1_000,
};

/** One gateway id on a ground, and what a client does with it. */
export class Stage<G extends Ground = Ground> {
  readonly id = `g${randomBytes(4).toString('hex')}`;
  readonly ground: G;
  readonly limits: Limits;
  readonly #crashes: string[] = [];
  #client: Client | undefined;
  #oldRun = '';

  constructor(ground: G, limits: Partial<Limits> = {}) {
    this.ground = ground;
    this.limits = { ...shortLimits, ...limits };
  }

  /** Makes something happen to an activity of this gateway. */
  interfere(activity: string, interference: Interference): void {
    if (interference === 'crash after') this.#crashes.push(activity);
    this.ground.interferences.set(activity, this.id, interference);
  }

  /** Every activity that was to end its worker did: a kill that never came proves nothing. */
  demandCrashes(): void {
    const never = this.#crashes.filter((activity) => !this.ground.interferences.crashed(activity, this.id));
    if (never.length > 0) throw new Error(`no worker was killed after ${never.join(', ')}`);
  }

  /** Lets an activity of this gateway go on. */
  letGo(activity: string): void {
    this.ground.interferences.clear(activity, this.id);
  }

  /** Waits until an activity of this gateway is held; the process that holds it. */
  held(activity: string): Promise<number> {
    return this.ground.interferences.held(activity, this.id);
  }

  /** Kills the worker that holds an activity, and lets the activity go for whoever takes it up. */
  letGoAfterKill(activity: string, worker: ChildProcess): void {
    worker.kill('SIGKILL');
    this.letGo(activity);
  }

  /** Uses a client that another stage has opened and will close. */
  use(client: Client): void {
    this.#client = client;
  }

  async client(): Promise<Client> {
    this.#client ??= new Client({ connection: await Connection.connect({ address: this.ground.server.address }) });
    return this.#client;
  }

  provision(extra: Partial<ProvisionRequest> = {}): Promise<Accepted> {
    const birth = birthFrom(randomBytes(6));
    const requestId = randomBytes(8).toString('hex');
    const place = { provider: 'local', host: 'local' } as const;
    return this.request({
      kind: 'provision',
      requestId,
      origin: 'test',
      spec: testSpec,
      place,
      birth,
      how: 'new',
      ...extra,
    });
  }

  remove(extra: Partial<RemoveRequest> = {}): Promise<Accepted> {
    const requestId = randomBytes(8).toString('hex');
    return this.request({ kind: 'remove', requestId, origin: 'test', purge: false, ...extra });
  }

  rotate(extra: Partial<RotateRequest> = {}): Promise<Accepted> {
    const requestId = randomBytes(8).toString('hex');
    return this.request({ kind: 'rotate', requestId, origin: 'test', reclaim: false, evict: false, ...extra });
  }

  #start(request: Request): GatewayStart {
    return { layout: 1, deployment: this.ground.deployment, gateway: this.id, limits: this.limits, request };
  }

  async request(request: Request): Promise<Accepted> {
    const client = await this.client();
    const startWorkflowOperation = new WithStartWorkflowOperation('gateway', {
      workflowId: gatewayWorkflowId(this.id),
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: this.ground.queue,
      args: [this.#start(request)],
    });
    return client.workflow.executeUpdateWithStart(requestUpdate, {
      args: [request],
      updateId: updateIdOf(request),
      startWorkflowOperation,
    });
  }

  /** Starts the entity with a request whose update never arrives. */
  async startOnly(request: Request): Promise<void> {
    const client = await this.client();
    await client.workflow.start('gateway', {
      workflowId: gatewayWorkflowId(this.id),
      taskQueue: this.ground.queue,
      args: [this.#start(request)],
    });
  }

  /** Asks the entity to continue as new. */
  async continueAsNew(): Promise<void> {
    const handle = (await this.client()).workflow.getHandle(gatewayWorkflowId(this.id));
    this.#oldRun = (await handle.describe()).runId;
    await handle.signal(continueAsNewSignal);
  }

  /** Waits until the entity has continued as new. */
  async renewed(): Promise<void> {
    const handle = (await this.client()).workflow.getHandle(gatewayWorkflowId(this.id));
    const deadline = Date.now() + patienceMs;
    while ((await handle.describe()).runId === this.#oldRun) {
      if (Date.now() > deadline) throw new Error('the entity did not continue as new');
      await sleep(50);
    }
  }

  /** Pairs of operations of this gateway that were open at the same time. */
  async overlappingOperations(): Promise<string[]> {
    const client = await this.client();
    const runs: { id: string; from: number; to: number }[] = [];
    for await (const run of client.workflow.list({ query: `WorkflowId STARTS_WITH "gateway/${this.id}/"` })) {
      runs.push({ id: run.workflowId, from: run.startTime.getTime(), to: run.closeTime?.getTime() ?? Infinity });
    }
    if (runs.length === 0) throw new Error('no operation is listed');
    runs.sort((a, b) => a.from - b.from);
    return runs
      .slice(1)
      .flatMap((run, index) => ((runs[index]?.to ?? 0) > run.from ? [`${runs[index]?.id} and ${run.id}`] : []));
  }

  /** The end of an operation, which may not have begun yet. */
  async result(workflowId: string, paceMs = 50): Promise<unknown> {
    const handle = (await this.client()).workflow.getHandle(workflowId);
    const deadline = Date.now() + patienceMs;
    for (;;) {
      try {
        return await handle.result();
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError) || Date.now() > deadline) throw error;
        await sleep(paceMs);
      }
    }
  }

  /** Waits until an activity has reported its success to an operation. */
  async reported(workflowId: string, activity: string): Promise<void> {
    const handle = (await this.client()).workflow.getHandle(workflowId);
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const events = (await handle.fetchHistory()).events ?? [];
      const scheduled = events.filter(
        (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === activity,
      );
      const ids = scheduled.map(({ eventId }) => String(eventId));
      if (events.some((event) => ids.includes(String(event.activityTaskCompletedEventAttributes?.scheduledEventId))))
        return;
      if (Date.now() > deadline) throw new Error(`${activity} reported no success to ${workflowId}`);
      await sleep(50);
    }
  }

  /** Waits for the end of an activity in the process that held it under way: `done`, or its error. */
  async endIn(holder: number, activity: string): Promise<string> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const end = this.ground.interferences.endIn(holder, activity, this.id);
      if (end !== undefined) return end;
      if (Date.now() > deadline) throw new Error(`${activity} did not end in the worker that held it`);
      await sleep(20);
    }
  }

  /** Waits until an operation was asked to cancel. */
  async cancelRequested(workflowId: string): Promise<void> {
    const handle = (await this.client()).workflow.getHandle(workflowId);
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const { events } = await handle.fetchHistory();
      if (events?.some((event) => event.workflowExecutionCancelRequestedEventAttributes)) return;
      if (Date.now() > deadline) throw new Error(`${workflowId} was not asked to cancel`);
      await sleep(50);
    }
  }

  async describe(): Promise<Description> {
    return (await this.client()).workflow.getHandle(gatewayWorkflowId(this.id)).query(describeQuery);
  }

  /** Waits until nothing of this gateway runs or waits, and answers what is on record. */
  async settled(limitMs = patienceMs): Promise<Description> {
    return this.until(
      (found) => found.running === undefined && found.queue.length === 0 && found.phase !== 'queued',
      limitMs,
    );
  }

  /** Waits until the record says so. A worker that is away, or a server, is waited for. */
  async until(holds: (found: Description) => boolean, limitMs = patienceMs): Promise<Description> {
    const deadline = Date.now() + limitMs;
    let last: unknown;
    for (;;) {
      try {
        const client = await this.client();
        const found = await client.withDeadline(Date.now() + 2_000, () => this.describe());
        if (holds(found)) return found;
        last = found;
      } catch (error) {
        last = error;
      }
      if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${JSON.stringify(last)}`, { cause: last });
      await sleep(100);
    }
  }

  /** One container, volume and network of one birth, and nothing else. */
  expected(birth: string): string[] {
    const base = `oc-${this.id}-${birth}`;
    return [`container ${base}`, `network ${base}`, `volume ${base}-state`];
  }

  async close(): Promise<void> {
    await this.#client?.connection.close();
  }
}
