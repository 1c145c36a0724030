import { getExternalWorkflowHandle, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/activities.js';
import type { Attempted, OpenInput, OpenResult, ProbeInput, TokenInput } from './operation.js';
import { gatewayWorkflowId } from './ids.js';
import type { DeviceList } from '../domain/device.js';
import { linkPolicy, lookPolicy } from './policies.js';
import { handedOverSignal } from './requests.js';
import type { GatewayRecord } from '../domain/gateway-record.js';
import type { Limits } from './limits.js';

type Looking = {
  [K in 'findGateway' | 'mintLink' | 'revealToken' | 'findDevices']: (
    ...args: Parameters<Activities[K]>
  ) => Promise<Attempted<Awaited<ReturnType<Activities[K]>>>>;
};

/** Proves a gateway usable now; fails with the reason when it is not. */
export async function probeGateway(input: ProbeInput): Promise<GatewayRecord> {
  return (await look(input.limits, 'probe').findGateway(input.gateway)).value;
}

/** Proves a gateway usable, then mints a one-time link, sealed to the caller. */
export async function openGateway(input: OpenInput): Promise<OpenResult> {
  await look(input.limits, 'probe').findGateway(input.gateway);
  const policy = { ...linkPolicy(input.limits), summary: 'mint link' };
  const { mintLink } = proxyActivities<Pick<Looking, 'mintLink'>>(policy);
  const { gateway, recipient, who } = input;
  return (await mintLink({ gateway, recipient, ...(who !== undefined && { who }) })).value;
}

/** The gateway token, sealed to the caller; the gateway hears that it was handed over. */
export async function tokenGateway({ gateway, recipient, who, limits }: TokenInput): Promise<string> {
  const { value } = await look(limits, 'show token').revealToken({ gateway, recipient, who });
  const entity = getExternalWorkflowHandle(gatewayWorkflowId(gateway.mark.gateway));
  await entity.signal(handedOverSignal, gateway.tokenGeneration).catch(() => undefined); // A record that is gone needs no word.
  return value;
}

/** The devices of a gateway as it tells of them now. */
export async function listDevices(input: ProbeInput): Promise<DeviceList> {
  return (await look(input.limits, 'list devices').findDevices(input.gateway)).value;
}

function look(limits: Limits, summary: string): Looking {
  return proxyActivities<Looking>({ ...lookPolicy(limits), summary });
}
