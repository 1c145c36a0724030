import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import type { DeviceList } from '../domain/devices/device.js';
import type { Gateway } from '../domain/gateway/gateway.js';
import type { Place } from '../domain/hosts/place.js';
import { slowWorkerMs } from '../domain/thresholds.js';
import { lookWorkflowId, taskQueue } from '../wire/ids.js';
import { defaultLimits } from '../wire/limits.js';
import type { OpenInput, OpenResult, ProbeInput, TokenInput } from '../wire/operation.js';
import type { GatewayRecord } from '../domain/gateway/reading.js';
import { gatewayBirthKey, gatewayIdKey } from '../wire/search-attributes.js';
import { NoWorker, unwrap } from './failure.js';
import { tellWaiting } from './patience.js';
import { unpolled } from './pollers.js';
import { unattendedSince } from './follow/progress.js';

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

/** How often a look is looked at. */
const lookMs = 1_000;

/** A look that takes longer than a person waits without a word says what it does. */
const silentMs = 400;

/** What a look does, as whoever waits for it reads it. */
const doings = {
  probe: 'proving that it is usable now',
  open: 'proving that it is usable, then asking it for a link',
  token: 'asking its worker for the token',
  devices: 'asking it for its devices',
} as const;

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
  const slow = setTimeout(
    () => tellWaiting(client, `gateway ${id}: ${doings[kind]}, which takes some seconds`),
    silentMs,
  );
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
    return await answerOf<T>(client, handle, gateway.place);
  } catch (error) {
    throw unwrap(error);
  } finally {
    clearTimeout(slow);
  }
}

async function answerOf<T>(client: Client, handle: WorkflowHandle, place: Place): Promise<T> {
  const over = new AbortController();
  const result: Promise<T> = handle.result();
  result.catch(() => undefined); // The race below hears it; after a withdrawal nobody else must.
  try {
    return await Promise.race([result, withdrawnWhenUnattended(client, handle, place, over.signal)]);
  } finally {
    over.abort();
  }
}

/** Rejects, and ends the look, when work of it waits and nobody polls for it; a worker that lives and is slow is waited for. */
async function withdrawnWhenUnattended(
  client: Client,
  handle: WorkflowHandle,
  { engine }: Place,
  over: AbortSignal,
): Promise<never> {
  const began = Date.now();
  for (;;) {
    await sleep(lookMs, undefined, { signal: over });
    const { raw } = await handle.describe();
    const since = unattendedSince({
      pendingActivities: raw.pendingActivities ?? [],
      pendingTask: raw.pendingWorkflowTask,
    });
    if (since === undefined || Date.now() - Date.parse(since) < lookMs) continue;
    const missing = await unpolled(client, raw.pendingWorkflowTask ? undefined : engine);
    if (missing === undefined && Date.now() - began < slowWorkerMs) continue;
    await handle.terminate('no worker took it up');
    throw new NoWorker(
      missing === undefined
        ? `no worker answered within ${slowWorkerMs / 1000} s, although one polls: see its log`
        : `no worker answered: ${missing}. Start one with \`npm run worker\``,
    );
  }
}
