import type { Gateway } from './gateway.js';

/** A gateway as told to an operation over its life. */
export type Living = Gateway & {
  /** An earlier operation of this life kept its state: a missing volume has vanished, with everything in it. */
  readonly hadState?: true;
  /** It is being removed, together with its state. */
  readonly purging?: true;
};

/** A life of a gateway as found on a host: its birth, and what exists of it. */
export type Life = { readonly birth: string; readonly resources: readonly string[] };

/** Names the lives that exist, and how each can be taken up or purged. */
export function describeLives(id: string, lives: readonly Life[]): string {
  const each = lives.map(
    ({ birth, resources }) =>
      `birth ${birth} (${resources.join(', ')}): take it up with \`creel provision ${id} --birth ${birth}\` or purge it with \`creel remove ${id} --birth ${birth} --purge\``,
  );
  return `an earlier life of ${id} is on the host: ${each.join('; ')}`;
}
