import { isExpired, pairsSenders, type SenderList } from '../../domain/channels/paired-senders.js';
import type { DeviceList } from '../../domain/devices/device.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { devicesShown, sendersShown } from '../../domain/thresholds.js';
import type { Deps } from '../../world/deps.js';
import { listDevices } from '../parts/door/devices.js';
import { configOf, visitBook } from '../senders/book.js';
import { openSession } from '../parts/door/operator.js';

/** The paired and the waiting devices, as the gateway lists them now; and the chat senders, where it lets any in by a code. */
export async function findDevices(deps: Deps, gateway: Gateway): Promise<DeviceList> {
  const session = await openSession(deps, gateway);
  try {
    const { paired, pending } = await listDevices(session);
    const own = deps.keys.device(gateway).id;
    const left = Math.max(0, paired.length - devicesShown) + Math.max(0, pending.length - devicesShown);
    return {
      own,
      paired: paired.slice(0, devicesShown),
      pending: pending.slice(0, devicesShown),
      ...(left > 0 && { left }),
      ...(await sendersOf(deps, gateway)),
    };
  } finally {
    session.close();
  }
}

/** The senders of a gateway whose channels pair them; without their codes, so that whoever has one was told it by the sender. */
async function sendersOf(deps: Deps, gateway: Gateway): Promise<Pick<DeviceList, 'senders'>> {
  try {
    const config = await configOf(deps, gateway);
    if (!pairsSenders(config)) return {};
    const { now, waiting, admitted } = await visitBook(deps, gateway, config);
    const asking = waiting.filter((each) => !isExpired(each, now));
    return {
      senders: shown(
        asking.map(({ code: _code, ...rest }) => rest),
        admitted,
      ),
    };
  } catch (error) {
    deps.signal()?.throwIfAborted();
    return { senders: error instanceof Error ? error.message : String(error) };
  }
}

function shown(waiting: SenderList['waiting'], admitted: SenderList['admitted']): SenderList {
  const left = Math.max(0, waiting.length - sendersShown) + Math.max(0, admitted.length - sendersShown);
  return {
    waiting: waiting.slice(0, sendersShown),
    admitted: admitted.slice(0, sendersShown),
    ...(left > 0 && { left }),
  };
}
