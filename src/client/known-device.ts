import type { Client } from '@temporalio/client';
import { idBeginning } from '../domain/devices/device.js';
import { Refused } from '../domain/errors.js';
import { TurnedDown } from './failure.js';
import { ask } from './gateways.js';
import { listDevices } from './looks.js';
import { demandServing } from './serving.js';

/**
 * The full id of the device whose id begins like this, among those that the gateway lists now and those that creel
 * approved. `TurnedDown` when none does, when several do, or when the gateway has more devices than it lists.
 */
export async function deviceBeginning(client: Client, gateway: string, beginning: string): Promise<string> {
  const told = await ask(client, gateway);
  const { approved } = told;
  const { paired, pending, left } = await listDevices(client, demandServing(told));
  if (left !== undefined)
    throw new TurnedDown(`${gateway} has ${left} more devices than it lists: name this one by its whole id`, 'Refused');
  const ids = [...paired, ...pending].map(({ deviceId }) => deviceId);
  try {
    return idBeginning(beginning, [...ids, ...approved], gateway);
  } catch (error) {
    if (error instanceof Refused) throw new TurnedDown(error.message, 'Refused', { cause: error });
    throw error;
  }
}
