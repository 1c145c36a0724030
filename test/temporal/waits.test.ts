import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { describe, expect } from 'vitest';
import type { Gateway } from '../../src/domain/gateway/gateway.js';
import { gatewayWorkflowId, operationWorkflowId } from '../../src/wire/ids.js';
import { defaultLimits } from '../../src/wire/limits.js';
import type { OperationInput } from '../../src/wire/operation.js';
import { pairSteps } from '../../src/workflows/pair/operation.js';
import { DirectoryStage } from '../ground/directory-stage.js';
import { onOwnGround } from './on-stage.js';

/** More than twice the slots that a worker has for its work; the aim of a thousand is measured with `TEST_WAITS=1000` on a quiet machine. */
const pairings = Number(process.env['TEST_WAITS'] ?? 150);

/** What a removal may take longer to begin while they wait. */
const laterMs = 1_000;

describe('more waits than a worker has slots', { timeout: 600_000 }, () => {
  const on = onOwnGround();

  on('for devices stop no removal: it begins within a second, and the worker stays small', async (stage) => {
    const worker = await stage.ground.startWorker();
    const client = await stage.client();
    const before = await removal(stage);
    const memoryBefore = residentMb(worker.pid);
    const ids: string[] = [];
    for (let number = 1_000; ids.length < pairings; number += 50) {
      const gateways = await Promise.all(Array.from({ length: 50 }, () => livingGateway(stage)));
      const some = gateways.map((gateway, index) => ({ gateway, number: number + index }));
      ids.push(...(await Promise.all(some.map((each) => startPairing(client, stage, each)))));
    }
    await waiting(client, ids);
    const meanwhile = await removal(stage);
    const growth = residentMb(worker.pid) - memoryBefore;
    process.stdout.write(
      `${pairings} pairings wait: a removal begins after ${meanwhile} ms (${before} ms without them); the worker grew by ${growth} MB\n`,
    );
    expect(await waitingNow(client, ids)).toBe(pairings);
    expect(meanwhile).toBeLessThanOrEqual(before + laterMs);
    expect(growth).toBeLessThan(400);
  });
});

/**
 * A gateway that serves, made by the activities alone: a thousand provisions are no part of what is proved, and the steps that look
 * at the whole engine would read all the others each time.
 */
async function livingGateway({ ground: { world } }: DirectoryStage): Promise<Gateway> {
  const gateway = world.gateway(`w${randomBytes(4).toString('hex')}`);
  const { ensureState, ensureNetwork, ensureConfig, ensureContainer, ensureOperator } = world.activities;
  for (const make of [ensureState, ensureNetwork, ensureConfig, ensureContainer, ensureOperator]) await make(gateway);
  return gateway;
}

/** A pairing of a device that never comes, as an operation of its own. */
async function startPairing(
  client: Client,
  stage: DirectoryStage,
  { gateway, number }: Pick<OperationInput, 'gateway' | 'number'>,
): Promise<string> {
  const waitMs = 3_600_000;
  const input: OperationInput = {
    layout: 1,
    kind: 'pair',
    number,
    gateway,
    steps: pairSteps,
    entered: [],
    limits: { ...defaultLimits, waitMs: waitMs + defaultLimits.actMs },
    change: {
      kind: 'pair',
      wanted: { deviceId: randomBytes(32).toString('hex') },
      role: 'operator',
      scopes: ['operator.read'],
      waitMs,
      since: Date.now(),
    },
  };
  const { gateway: id, birth } = gateway.mark;
  const workflowId = operationWorkflowId(id, birth, number, 'pair');
  await client.workflow.start('pairDevice', { workflowId, taskQueue: stage.ground.queue, args: [input] });
  return workflowId;
}

/** Another gateway is provisioned and removed: how long its removal took from the request to the begin of its first undo, by the server's clock. */
async function removal(stage: DirectoryStage): Promise<number> {
  const other = new DirectoryStage(stage.ground);
  other.use(await stage.client());
  await other.provision();
  await other.settled(300_000);
  const { workflowId } = await other.remove();
  await other.until(({ phase }) => phase === 'removed', 300_000);
  const client = await stage.client();
  const begun = (await client.workflow.getHandle(workflowId).fetchHistory()).events ?? [];
  const asked = (await client.workflow.getHandle(gatewayWorkflowId(other.id)).fetchHistory()).events ?? [];
  const first = begun.find((event) => event.activityTaskStartedEventAttributes);
  const last = asked.findLast((event) => event.workflowExecutionUpdateAcceptedEventAttributes);
  return msOf(first?.eventTime) - msOf(last?.eventTime);
}

function msOf(time: { seconds?: unknown; nanos?: number | null } | null | undefined): number {
  return Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1e6;
}

/** Waits until so many pairings have begun to wait for their device. */
async function waiting(client: Client, workflowIds: readonly string[]): Promise<void> {
  const deadline = Date.now() + 400_000;
  for (;;) {
    const now = await waitingNow(client, workflowIds);
    if (now === workflowIds.length) return;
    if (Date.now() > deadline) throw new Error(`only ${now} wait`);
    await sleep(2_000);
  }
}

/** How many of these runs wait for their device now, each in a slot of a worker. */
async function waitingNow(client: Client, workflowIds: readonly string[]): Promise<number> {
  let count = 0;
  for (let from = 0; from < workflowIds.length; from += 50) {
    const some = workflowIds.slice(from, from + 50).map((id) => client.workflow.getHandle(id).describe());
    for (const { raw } of await Promise.all(some))
      if (
        raw.pendingActivities?.some(
          ({ activityType, state }) => activityType?.name === 'probeRequest' && Number(state) === started,
        )
      )
        count += 1;
  }
  return count;
}

/** PENDING_ACTIVITY_STATE_STARTED of the server's protocol. */
const started = 2;

/** What a process holds of the machine's memory. */
function residentMb(pid: number | undefined): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kilobytes) / 1024);
}
