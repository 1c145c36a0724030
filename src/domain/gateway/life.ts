import type { Gateway } from './gateway.js';

/** A gateway as an operation over its life is told of it. */
export type Living = Gateway & {
  /** An earlier operation of this life kept its state: a volume that is not there has vanished, with what was in it. */
  readonly hadState?: true;
  /** It is being removed, and its state goes with it. */
  readonly purging?: true;
};

/** A life of a gateway as it is found on a host: its birth and what of it exists. */
export type Life = { readonly birth: string; readonly resources: readonly string[] };

/** Says which lives exist and how each can be taken up or purged. */
export function describeLives(id: string, lives: readonly Life[]): string {
  const each = lives.map(
    ({ birth, resources }) =>
      `birth ${birth} (${resources.join(', ')}): take it up with \`creel provision ${id} --birth ${birth}\` or purge it with \`creel remove ${id} --birth ${birth} --purge\``,
  );
  return `an earlier life of ${id} is on the host: ${each.join('; ')}`;
}
