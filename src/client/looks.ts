import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import type { DeviceList } from '../domain/device.js';
import type { Gateway } from '../domain/gateway.js';
import { lookWorkflowId, taskQueue } from '../workflows/ids.js';
import { defaultLimits } from '../workflows/limits.js';
import type { OpenInput, OpenResult, ProbeInput, TokenInput } from '../workflows/operation.js';
import type { GatewayRecord } from '../domain/gateway-record.js';
import { gatewayBirthKey, gatewayIdKey } from '../workflows/search-attributes.js';
import { NoWorker, unwrap } from './failure.js';
import { answerMs } from './gateways.js';
import { unattendedSince } from './progress.js';

/** Proves a gateway usable right now. `TurnedDown` with what it is not; `NoWorker` when nobody looks. */
export async function probeGateway(client: Client, gateway: Gateway): Promise<GatewayRecord> {
  const input: ProbeInput = { gateway, limits: defaultLimits };
  return look<GatewayRecord>(client, 'probe', gateway, input);
}

/** A link that opens the gateway's Control UI once, sealed to `recipient`; `who` is written down. */
export async function openGateway(
  client: Client,
  gateway: Gateway,
  recipient: string,
  who: string,
): Promise<OpenResult> {
  const input: OpenInput = { gateway, recipient, who, limits: defaultLimits };
  return look<OpenResult>(client, 'open', gateway, input);
}

/** The gateway token, sealed to `recipient`; `who` is written down. */
export async function showToken(client: Client, gateway: Gateway, recipient: string, who: string): Promise<string> {
  const input: TokenInput = { gateway, recipient, who, limits: defaultLimits };
  return look<string>(client, 'token', gateway, input);
}

/** The devices of a gateway, as it tells of them now. */
export async function listDevices(client: Client, gateway: Gateway): Promise<DeviceList> {
  const input: ProbeInput = { gateway, limits: defaultLimits };
  return look<DeviceList>(client, 'devices', gateway, input);
}

/** Which workflow a look is. */
const workflowTypes = {
  probe: 'probeGateway',
  open: 'openGateway',
  token: 'tokenGateway',
  devices: 'listDevices',
} as const;

/** Starts a look under an id of its own and waits for its answer; one that no worker takes up is withdrawn. */
async function look<T>(
  client: Client,
  kind: keyof typeof workflowTypes,
  gateway: Gateway,
  input: ProbeInput | OpenInput | TokenInput,
): Promise<T> {
  const { gateway: id, birth } = gateway.mark;
  try {
    const handle = await client.workflow.start(workflowTypes[kind], {
      workflowId: lookWorkflowId(id, birth, kind, randomBytes(4).toString('hex')),
      taskQueue,
      args: [input],
      staticSummary: `${kind} gateway ${id}`,
      typedSearchAttributes: new TypedSearchAttributes([
        { key: gatewayIdKey, value: id },
        { key: gatewayBirthKey, value: birth },
      ]),
    });
    return await answerOf<T>(handle);
  } catch (error) {
    throw unwrap(error);
  }
}

async function answerOf<T>(handle: WorkflowHandle): Promise<T> {
  const over = new AbortController();
  const result: Promise<T> = handle.result();
  result.catch(() => undefined); // The race below hears it; after a withdrawal nobody else must.
  try {
    return await Promise.race([result, withdrawnWhenUnattended(handle, over.signal)]);
  } finally {
    over.abort();
  }
}

/** Rejects, and ends the look, when work of it has waited for a worker longer than an answer may take. */
async function withdrawnWhenUnattended(handle: WorkflowHandle, over: AbortSignal): Promise<never> {
  for (;;) {
    await sleep(answerMs / 5, undefined, { signal: over });
    const { raw } = await handle.describe();
    const since = unattendedSince({
      pendingActivities: raw.pendingActivities ?? [],
      pendingTask: raw.pendingWorkflowTask,
    });
    if (since === undefined || Date.now() - Date.parse(since) < answerMs) continue;
    await handle.terminate('no worker took it up');
    throw new NoWorker(
      `no worker answered within ${answerMs / 1000} s (task queue ${taskQueue}). Start one with \`npm run worker\``,
    );
  }
}
