import { bundleOf } from './catalogue.js';
import type { Billed, Region } from './state.js';

const hoursOfMonth = 744;

/** Begins to count what something costs, unless it counts already. */
export function charge(region: Region, kind: Billed['kind'], name: string, hourlyUsd: number): void {
  if (openLine(region, kind, name)) return;
  region.bill.push({ kind, region: region.name, name, hourlyUsd, from: Date.now() });
}

/** Ends it. */
export function discharge(region: Region, kind: Billed['kind'], name: string): void {
  const line = openLine(region, kind, name);
  if (line) line.until = Date.now();
}

/** A machine costs while it exists, running or not. */
export function machineRate(bundleId: string): number {
  return bundleOf(bundleId).price / hoursOfMonth;
}

/** An address costs while it is attached to nothing. */
export const detachedAddressRate = 0.005;

export function snapshotRate(sizeInGb: number): number {
  return (0.05 * sizeInGb) / hoursOfMonth;
}

/** What a line has come to by now: every hour that was begun. */
export function usdOf({ hourlyUsd, from, until = Date.now() }: Billed): number {
  return Math.ceil((until - from) / 3_600_000) * hourlyUsd;
}

function openLine(region: Region, kind: Billed['kind'], name: string): Billed | undefined {
  return region.bill.find(
    (line) => line.region === region.name && line.kind === kind && line.name === name && line.until === undefined,
  );
}
