import type { DeploymentKeys } from '../keys/deployment-keys.js';
import type { Seen } from './fleet.js';

/** A gateway whose record names a key, or may: as long as one does, the key cannot be retired. */
export type Naming = {
  readonly gateway: string;
  /** Undefined when it did not say. */
  readonly keyId: string | undefined;
  /** What to do when it should name another key. */
  readonly remedy: string;
};

/**
 * Which gateway names which key: every living one, every one whose state is kept, and every one that does not answer.
 */
export function namingsOf(keys: DeploymentKeys, seen: ReadonlyMap<string, Seen>): Naming[] {
  const namings = [...seen].flatMap(([gateway, each]) => namingOf(keys, gateway, each) ?? []);
  return namings.toSorted((one, other) => (one.gateway < other.gateway ? -1 : 1));
}

function namingOf(keys: DeploymentKeys, gateway: string, seen: Seen): Naming | undefined {
  if (seen === 'silent')
    return { gateway, keyId: undefined, remedy: 'it does not answer: see its run in the Temporal UI' };
  if (!seen?.life || seen.phase === 'none') return undefined;
  if (seen.phase === 'removed' && !seen.stateKeptUntil) return undefined;
  return { gateway, keyId: seen.life.keyId ?? keys[0]?.id, remedy: remedyOf(gateway, seen) };
}

function remedyOf(gateway: string, { phase, stateKeptUntil }: Exclude<Seen, 'silent' | undefined>): string {
  if (phase === 'removed')
    return `it is removed, and its state kept until ${stateKeptUntil}: take it up with \`creel provision ${gateway} --restore\`, let it go with \`creel remove ${gateway} --purge\`, or wait`;
  if (phase === 'suspended')
    return `it is suspended: \`creel resume ${gateway}\` has it serve, and then it gets another token; or let it go with \`creel remove ${gateway}\``;
  if (phase === 'parked') return `it is parked: \`creel describe ${gateway}\` shows which answers it takes`;
  if (phase === 'degraded') return `it is degraded: \`creel provision ${gateway}\` repairs it`;
  if (phase === 'ready') return `it is ready: \`creel describe ${gateway}\` says why its rotation did not come through`;
  return `it is ${phase}: wait until that is over`;
}
