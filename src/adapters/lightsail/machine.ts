import type { Instance } from '@aws-sdk/client-lightsail';
import type { Machine } from '../../domain/hosts/machine.js';

const states: Readonly<Record<string, Machine['state']>> = {
  pending: 'pending',
  running: 'running',
  stopping: 'stopping',
  stopped: 'stopped',
  'shutting-down': 'ending',
  terminated: 'ending',
};

/** An instance of Lightsail's in our nouns. */
export function machineOf(instance: Instance): Machine {
  const { metadataOptions: metadata } = instance;
  return {
    name: instance.name ?? '',
    id: instance.arn ?? '',
    zone: instance.location?.availabilityZone ?? '',
    state: states[instance.state?.name ?? ''] ?? 'other',
    address: instance.publicIpAddress || undefined,
    isAddressStatic: instance.isStaticIp === true,
    size: instance.bundleId ?? '',
    system: instance.blueprintId ?? '',
    key: instance.sshKeyName,
    login: instance.username,
    isMetadataFenced: metadata?.httpTokens === 'required' && metadata.httpPutResponseHopLimit === 1,
  };
}
