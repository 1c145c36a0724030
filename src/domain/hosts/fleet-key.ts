import { sha256Hex } from '../fingerprint.js';
import { Refused } from '../errors.js';

/**
 * The public half of the key that lets the workers into all machines of a deployment. A region has two slots for it: a
 * key is rotated by bringing the next one into the free slot, before the former one is taken out.
 */
export type FleetKey = { readonly slot: FleetSlot; readonly publicKey: string };

export type FleetSlot = 'a' | 'b';

const lineForm = /^ssh-ed25519 (AAAA[A-Za-z0-9+/]{20,200}={0,2})(?: |$)/;
const nameForm = /^oc-([a-z0-9]{10})-key-([ab])-([0-9a-f]{8})$/;

/** A fleet key from a line of a public key file, without its comment; `Refused` for any other form. */
export function fleetKey(slot: FleetSlot, line: string): FleetKey {
  const [, body] = lineForm.exec(line.trim()) ?? [];
  if (body !== undefined) return { slot, publicKey: `ssh-ed25519 ${body}` };
  throw new Refused('the fleet key is no line of an Ed25519 public key. Make one with `ssh-keygen -t ed25519`');
}

/** The name under which a region holds a key (layout 1): it says whose it is, and which key, because nothing else does. */
export function fleetKeyName(deployment: string, { slot, publicKey }: FleetKey): string {
  return `oc-${deployment}-key-${slot}-${sha256Hex(publicKey).slice(0, 8)}`;
}

/** Whose key a name speaks of, and in which slot; undefined for any other name. */
export function readFleetKeyName(name: string): { readonly deployment: string; readonly slot: FleetSlot } | undefined {
  const [, deployment, slot] = nameForm.exec(name) ?? [];
  return deployment && (slot === 'a' || slot === 'b') ? { deployment, slot } : undefined;
}
