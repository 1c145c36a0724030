import { Refused } from '../errors.js';

/**
 * `current`: everything is derived from it; `next`: about to become that, and everything new is derived from it
 * already; `retired`: nothing is derived from it any more.
 */
type KeyState = 'current' | 'next' | 'retired';

/** A master key as a namespace knows it, without anything secret. */
export type DeploymentKey = {
  readonly id: string;
  readonly check: string;
  readonly state: KeyState;
  /** How many runs over the fleet to this key were begun; absent when none, and in what older versions wrote. */
  readonly runs?: number | undefined;
};

/** The keys of a deployment, oldest first. */
export type DeploymentKeys = readonly DeploymentKey[];

/** What a deployment's memo says of them; a memo from before there was a second key names only the first. */
export type KeyMemo = { readonly keyId: string; readonly keyCheck: string; readonly keys?: DeploymentKeys | undefined };

/** The keys that a memo names. */
export function keysOf({ keyId, keyCheck, keys }: KeyMemo): DeploymentKeys {
  return keys ?? [{ id: keyId, check: keyCheck, state: 'current' }];
}

const idForm = /^[0-9a-f]{8}$/;
const checkForm = /^[0-9a-f]{32}$/;

/** The id of a master key as given, or `Refused`. */
export function keyId(raw: unknown): string {
  if (typeof raw === 'string' && idForm.test(raw)) return raw;
  throw new Refused(
    `key id ${JSON.stringify(raw)} is malformed: 8 hexadecimal digits, as \`creel key list\` shows them`,
  );
}

/**
 * Adds a next key beside the current one; repeating it changes nothing. `Refused` while another is under way, or when
 * the key was used before.
 */
export function announceKey(keys: DeploymentKeys, { id, check }: Pick<DeploymentKey, 'id' | 'check'>): DeploymentKeys {
  const under = keys.find(({ state }) => state === 'next');
  if (under?.id === keyId(id) && under.check === check) return keys;
  if (under)
    throw new Refused(
      `key ${under.id} is on its way to be the current one already. \`creel key rotate\` where its file lies goes on with it`,
    );
  if (keys.some((each) => each.id === id)) throw new Refused(`key ${id} was used before: a next key is a new one`);
  if (typeof check !== 'string' || !checkForm.test(check)) throw new Refused('the check value of a key is malformed');
  return [...keys, { id, check, state: 'next' }];
}

/** Makes the next key the current one, and retires the previous one; repeating it changes nothing. */
export function promoteKey(keys: DeploymentKeys, id: string): DeploymentKeys {
  const found = keys.find((each) => each.id === id);
  if (found?.state === 'current') return keys;
  if (found?.state !== 'next') throw new Refused(`key ${id} is not on its way to be the current one`);
  return keys.map((each) => ({ ...each, state: each.id === id ? 'current' : 'retired' }));
}

/** Counts a run over the fleet to this key, whose number is above all earlier ones; repeating it changes nothing. */
export function countRun(keys: DeploymentKeys, id: string, number: number): DeploymentKeys {
  if (!Number.isSafeInteger(number) || number < 1 || number > 1_000_000)
    throw new Refused(`the number of a run is ${JSON.stringify(number)}: it must be from 1 to 1000000`);
  if (!keys.some((each) => each.id === id)) throw new Refused(`key ${JSON.stringify(id)} is not known here`);
  return keys.map((each) => (each.id === id ? { ...each, runs: Math.max(each.runs ?? 0, number) } : each));
}

/** The key that is neither next nor retired. */
export function currentKey(keys: DeploymentKeys): DeploymentKey {
  const found = keys.find(({ state }) => state === 'current');
  if (found) return found;
  throw new Refused('the deployment has no current key: its memo was changed by hand');
}

/** The key that everything new is derived from. */
export function newestKey(keys: DeploymentKeys): DeploymentKey {
  return keys.find(({ state }) => state === 'next') ?? currentKey(keys);
}

/** The newest key as a record names it: the deployment's first one goes unnamed. */
export function nameOfNewest(keys: DeploymentKeys): { readonly keyId?: string } {
  const { id } = newestKey(keys);
  return id === keys[0]?.id ? {} : { keyId: id };
}
