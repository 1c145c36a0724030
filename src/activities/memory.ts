import { Refused } from '../domain/errors.js';
import { carries, names, readMark, type Gateway } from '../domain/gateway.js';
import { memoryAtRestMb } from '../domain/thresholds.js';
import type { HostFacts } from '../ports/host-provider.js';
import type { Deps } from './deps.js';

/** `Refused` when a gateway that has its place on a host already asks for more memory than the host has. */
export function demandSize({ spec, place }: Gateway, memoryMb: number): void {
  if (memoryMb >= spec.memoryMb) return;
  throw new Refused(
    `host ${place.host} has ${memoryMb} MB of memory, the spec asks for ${spec.memoryMb} MB. Ask for less or choose a larger host`,
  );
}

/** `Refused` when a host cannot give a new gateway the memory of its spec beside the gateways that live there already. */
export async function demandMemory(deps: Deps, gateway: Gateway, host: HostFacts): Promise<void> {
  const { spec, place } = gateway;
  const where = `host ${place.host}`;
  demandSize(gateway, host.memoryMb);
  const others = await otherGateways(deps, gateway);
  const left = host.memoryMb - others * memoryAtRestMb;
  if (left < spec.memoryMb) {
    throw new Refused(
      `${where} has ${host.memoryMb} MB of memory, of which ${others} other gateways need ${memoryAtRestMb} MB each: ${Math.max(left, 0)} MB are left, the spec asks for ${spec.memoryMb} MB. Ask for less, remove gateways, or choose a larger host`,
    );
  }
  const { availableMemoryMb } = host;
  if (availableMemoryMb !== undefined && availableMemoryMb < memoryAtRestMb) {
    throw new Refused(
      `${where} has ${availableMemoryMb} MB of memory that nobody uses, a gateway takes ${memoryAtRestMb} MB while it does nothing (S0-25). End something, or choose a larger host`,
    );
  }
}

/** Gateways of anybody that have a container on the same engine, whether it runs or is only about to. */
async function otherGateways(deps: Deps, gateway: Gateway): Promise<number> {
  const marked = await deps.engineAt(gateway.place).listMarked();
  return marked.filter(({ kind, name, labels }) => {
    const mark = readMark(labels);
    return kind === 'container' && mark && names(mark).container === name && !carries(labels, gateway.mark);
  }).length;
}
