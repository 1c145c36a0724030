import { Refused } from '../../../domain/errors.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { configReadings } from '../../../domain/thresholds.js';
import { RpcError } from '../../../ports/gateway-door.js';
import type { Deps } from '../../../world/deps.js';
import { patchConfigOf, readConfigHash, type ConfigPatch, type Control } from '../door/control.js';

/**
 * Patches the running config. When somebody edits the config meanwhile, it is read again and the patch made anew, three
 * times at most. An empty patch asks for nothing.
 */
export async function patchConfig(
  deps: Deps,
  { mark }: Gateway,
  control: Control,
  make: () => Promise<ConfigPatch | undefined>,
): Promise<void> {
  for (let reading = 0; reading < configReadings; reading += 1) {
    const hash = await readConfigHash(control);
    const patch = await make();
    if (!patch) return;
    deps.signal()?.throwIfAborted();
    try {
      if ((await patchConfigOf(control, hash, patch)) === 'done') return;
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      throw new Refused(`gateway ${mark.gateway} refuses the new config: ${error.message}`, { cause: error });
    }
  }
  throw new Refused(
    `the config of gateway ${mark.gateway} was edited by somebody else ${configReadings} times while it was changed. Ask again when they are done`,
  );
}
