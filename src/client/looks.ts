import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import type { DeviceList } from '../domain/devices/device.js';
import type { Gateway } from '../domain/gateway/gateway.js';
import { isMachine, type Place } from '../domain/hosts/place.js';
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

/**
 * Proves a gateway usable right now; `quiet` when many are looked at and each need not say that it takes long.
 * `TurnedDown` with what is wrong; `NoWorker` when no worker looks.
 */
export async function probeGateway(client: Client, gateway: Gateway, quiet = false): Promise<GatewayRecord> {
  const input: ProbeInput = { gateway, limits: defaultLimits };
  return look<GatewayRecord>(client, 'probe', gateway, input, quiet);
}

/** A link that opens the gateway's Control UI once, sealed to `recipient`; `who` goes into the audit log. */
export async function openGateway(
  client: Client,
  gateway: Gateway,
  recipient: string,
  who: string,
): Promise<OpenResult> {
  const input: OpenInput = { gateway, recipient, who, limits: defaultLimits };
  return look<OpenResult>(client, 'open', gateway, input);
}

/** The gateway token, sealed to `recipient`; `who` goes into the audit log. */
export async function showToken(client: Client, gateway: Gateway, recipient: string, who: string): Promise<string> {
  const input: TokenInput = { gateway, recipient, who, limits: defaultLimits };
  return look<string>(client, 'token', gateway, input);
}

/** The devices of a gateway, as it lists them now. */
export async function listDevices(client: Client, gateway: Gateway): Promise<DeviceList> {
  const input: ProbeInput = { gateway, limits: defaultLimits };
  return look<DeviceList>(client, 'devices', gateway, input);
}

/** How often a look is polled. */
const lookMs = 1_000;

/** A look that takes longer than a person waits in silence says what it is doing. */
const silentMs = 400;

/** What each look is doing, as the person who waits for it reads it. */
const doings = {
  probe: 'proving that it is usable now',
  open: 'proving that it is usable, then asking it for a link',
  token: 'asking its worker for the token',
  devices: 'asking it for its devices',
} as const;

/** The workflow type of each look. */
const workflowTypes = {
  probe: 'probeGateway',
  open: 'openGateway',
  token: 'tokenGateway',
  devices: 'listDevices',
} as const;

/** Starts a look under an id of its own and waits for its answer; withdraws it when no worker takes it up. */
async function look<T>(
  client: Client,
  kind: keyof typeof workflowTypes,
  gateway: Gateway,
  input: ProbeInput | OpenInput | TokenInput,
  quiet = false,
): Promise<T> {
  const { gateway: id, birth } = gateway.mark;
  const say = () => tellWaiting(client, `gateway ${id}: ${doings[kind]}, which takes some seconds`);
  const slow = quiet ? undefined : setTimeout(say, silentMs);
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

/** The answer of a look; `NoWorker`, and the look withdrawn, when its work waits and nobody polls for it. */
export async function answerOf<T>(client: Client, handle: WorkflowHandle, place: Place): Promise<T> {
  const over = new AbortController();
  const result: Promise<T> = handle.result();
  result.catch(() => undefined); // Heard in the race below; after a withdrawal nobody has to.
  try {
    return await Promise.race([result, unattended(client, handle, place, over.signal)]);
  } catch (error) {
    if (error instanceof NoWorker) await handle.terminate('no worker took it up');
    throw error;
  } finally {
    over.abort();
  }
}

/** Rejects when the work of a look waits and nobody polls for it; a slow worker is waited for. */
export async function unattended(
  client: Client,
  handle: WorkflowHandle,
  place: Place,
  over: AbortSignal,
  paceMs = lookMs,
): Promise<never> {
  const began = Date.now();
  for (;;) {
    await sleep(paceMs, undefined, { signal: over });
    const { raw } = await handle.describe();
    const since = unattendedSince({
      pendingActivities: raw.pendingActivities ?? [],
      pendingTask: raw.pendingWorkflowTask,
    });
    if (since === undefined || Date.now() - Date.parse(since) < lookMs) continue;
    const missing = await unpolled(client, raw.pendingWorkflowTask || isMachine(place) ? undefined : place.engine);
    if (missing === undefined && Date.now() - began < slowWorkerMs) continue;
    throw new NoWorker(
      missing === undefined
        ? `no worker answered within ${slowWorkerMs / 1000} s, although one polls: see its log`
        : `no worker answered: ${missing}. Start one with \`creel worker\``,
    );
  }
}
