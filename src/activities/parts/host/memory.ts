import { Refused } from '../../../domain/errors.js';
import { carries, names, readMark, type Gateway } from '../../../domain/gateway/gateway.js';
import { hostReserveMb, memoryAtRestMb } from '../../../domain/thresholds.js';
import type { HostFacts } from '../../../ports/host-provider.js';
import type { Deps } from '../../../world/deps.js';

/**
 * `Refused` when a host cannot give a gateway the memory of its spec beside what is promised to its other gateways: to
 * each, its limit. An existing gateway keeps what it has, and is checked only for what it asks beyond that.
 */
export async function demandMemory(deps: Deps, gateway: Gateway, host: HostFacts): Promise<void> {
  demandSize(gateway, host.memoryMb);
  const own = await deps.engineAt(gateway.place).findContainer(names(gateway.mark).container);
  if (own && own.memoryMb >= gateway.spec.memoryMb) return;
  await demandShare(deps, gateway, host.memoryMb);
  if (!own) demandAvailable(gateway, host);
}

function demandSize({ spec, place }: Gateway, memoryMb: number): void {
  if (memoryMb >= spec.memoryMb) return;
  throw new Refused(
    `host ${place.host} has ${memoryMb} MB of memory, the spec asks for ${spec.memoryMb} MB. Ask for less or choose a larger host`,
  );
}

async function demandShare(deps: Deps, gateway: Gateway, memoryMb: number): Promise<void> {
  const { spec, place } = gateway;
  const others = await otherContainers(deps, gateway);
  if (others.length === 0) return;
  const promised = await promisedMb(deps, gateway, others);
  const left = Math.max(0, memoryMb - hostReserveMb - promised);
  if (left >= spec.memoryMb) return;
  throw new Refused(
    `host ${place.host} has ${memoryMb} MB of memory; ${others.length} other gateways may take ${promised} MB of it, ${hostReserveMb} MB are kept for the host itself: ${left} MB are left, the spec asks for ${spec.memoryMb} MB. Ask for less, give others less (\`creel change --memory\`), remove gateways, or choose a larger host`,
  );
}

function demandAvailable({ place }: Gateway, { availableMemoryMb }: HostFacts): void {
  if (availableMemoryMb === undefined || availableMemoryMb >= memoryAtRestMb) return;
  throw new Refused(
    `host ${place.host} has ${availableMemoryMb} MB of memory that nobody uses, a gateway takes ${memoryAtRestMb} MB while it does nothing. End something, or choose a larger host`,
  );
}

/** The sum of the containers' limits; one without a limit counts what it takes at rest. */
async function promisedMb(deps: Deps, gateway: Gateway, containers: readonly string[]): Promise<number> {
  let sum = 0;
  for (const name of containers) {
    const found = await deps.engineAt(gateway.place).findContainer(name);
    if (found) sum += Math.max(found.memoryMb, memoryAtRestMb);
  }
  return sum;
}

/** The containers of all gateways on the same engine, anybody's, whether they run or are only about to. */
export async function otherContainers(deps: Deps, gateway: Gateway): Promise<string[]> {
  const marked = await deps.engineAt(gateway.place).listMarked();
  return marked
    .filter(({ kind, name, labels }) => {
      const mark = readMark(labels);
      return kind === 'container' && mark && names(mark).container === name && !carries(labels, gateway.mark);
    })
    .map(({ name }) => name);
}
