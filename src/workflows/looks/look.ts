import { ApplicationFailure, getExternalWorkflowHandle, patched, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/activities.js';
import type { Attempted, OpenInput, OpenResult, ProbeInput, TokenInput } from '../../wire/operation.js';
import { gatewayWorkflowId } from '../../wire/ids.js';
import type { DeviceList } from '../../domain/devices/device.js';
import { Refused } from '../../domain/errors.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import type { Place } from '../../domain/hosts/place.js';
import { engineHolding } from '../../domain/hosts/whereabouts.js';
import { linkPolicy, lookPolicy, onEngine } from '../saga/policies.js';
import { handedOverSignal } from '../../wire/messages.js';
import type { GatewayRecord } from '../../domain/gateway/reading.js';
import type { Limits } from '../../wire/limits.js';
import { lookEverywhere } from '../saga/whereabouts.js';

type Looking = {
  [K in 'findGateway' | 'mintLink' | 'revealToken' | 'findDevices']: (
    ...args: Parameters<Activities[K]>
  ) => Promise<Attempted<Awaited<ReturnType<Activities[K]>>>>;
};

/** Proves a gateway usable now; fails with the reason when it is not. */
export async function probeGateway(input: ProbeInput): Promise<GatewayRecord> {
  const gateway = await onItsEngine(input);
  return (await look(gateway, input.limits, 'probe').findGateway(gateway)).value;
}

/** Proves a gateway usable, then mints a one-time link, sealed to the caller. */
export async function openGateway(input: OpenInput): Promise<OpenResult> {
  const gateway = await onItsEngine(input);
  await look(gateway, input.limits, 'probe').findGateway(gateway);
  const policy = { ...linkPolicy(input.limits), ...onEngine(gateway.place), summary: 'mint link' };
  const { mintLink } = proxyActivities<Pick<Looking, 'mintLink'>>(policy);
  const { recipient, who } = input;
  return (await mintLink({ gateway, recipient, ...(who !== undefined && { who }) })).value;
}

/** The gateway token, sealed to the caller; the gateway hears that it was handed over. */
export async function tokenGateway({ gateway, recipient, who, limits }: TokenInput): Promise<string> {
  const { value } = await look({ place: anyWorker }, limits, 'show token').revealToken({ gateway, recipient, who });
  const entity = getExternalWorkflowHandle(gatewayWorkflowId(gateway.mark.gateway));
  await entity.signal(handedOverSignal, gateway.tokenGeneration).catch(() => undefined); // A record that is gone needs no word.
  return value;
}

/** The devices of a gateway as it tells of them now. */
export async function listDevices(input: ProbeInput): Promise<DeviceList> {
  const gateway = await onItsEngine(input);
  return (await look(gateway, input.limits, 'list devices').findDevices(gateway)).value;
}

/** A token is derived from keys, which every worker holds. */
const anyWorker: Place = { provider: 'local', host: 'local' };

/** A record from before engines were kept in it names none: the one that carries the gateway's mark is its own. */
export async function onItsEngine({ gateway, limits }: ProbeInput): Promise<Gateway> {
  if (gateway.place.engine !== undefined || !patched('engine')) return gateway;
  try {
    const engine = engineHolding(gateway.mark, await lookEverywhere(gateway.mark, limits));
    return { ...gateway, place: { ...gateway.place, engine } };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw ApplicationFailure.create({ message: error.message, type: 'Refused', nonRetryable: true });
  }
}

function look({ place }: Pick<Gateway, 'place'>, limits: Limits, summary: string): Looking {
  return proxyActivities<Looking>({ ...lookPolicy(limits), ...onEngine(place), summary });
}
