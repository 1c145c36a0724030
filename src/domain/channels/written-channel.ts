import { isObject, type Json } from '../json.js';
import type { Channel } from './channel.js';

/** A channel as a creel once wrote it into a config. What may be asked for by now is not held against it. */
export type WrittenChannel = Omit<Channel, 'kind'> & { readonly kind: string };

const kindForm = /^[a-z][a-z0-9-]{0,63}$/;

/** The channel in a memory of what was written; undefined where nobody can have written it. */
export function writtenChannel(raw: Json): WrittenChannel | undefined {
  if (!isObject(raw)) return undefined;
  const { kind, secrets, allowFrom, pairSenders } = raw;
  if (typeof kind !== 'string' || !kindForm.test(kind) || !isObject(secrets) || !Array.isArray(allowFrom))
    return undefined;
  const named = Object.entries(secrets).filter((each): each is [string, string] => typeof each[1] === 'string');
  const senders = allowFrom.filter((each) => typeof each === 'string');
  return {
    kind,
    secrets: Object.fromEntries(named),
    allowFrom: senders,
    ...(pairSenders === true && { pairSenders }),
  };
}
