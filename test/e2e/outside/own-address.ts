import { networkInterfaces } from 'node:os';

/** An address of this machine at which its containers find it. */
export function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const found = all.find(({ family, internal }) => family === 'IPv4' && !internal);
  if (!found) throw new Error('this machine has no address but its loopback');
  return found.address;
}
