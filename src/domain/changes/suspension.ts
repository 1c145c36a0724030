/** Stops a gateway and keeps everything of it: its state, its address, its token and its devices. */
export type Suspension = {
  readonly kind: 'suspend';
  /** When it was decided (epoch ms). */
  readonly since: number;
  /** Why, for people; empty when nobody says. */
  readonly reason: string;
  /** Its account did it, and undoes it when it is paid; absent where a person did. */
  readonly by?: 'account';
};

/** That a gateway is suspended, as its record keeps it. */
export type Suspended = Pick<Suspension, 'since' | 'reason' | 'by'>;

/** Why nothing is asked of a gateway that is suspended, and what ends that. */
export function whySuspended(gateway: string, { since, reason }: Suspended): string {
  const why = reason === '' ? '' : ` (${reason})`;
  return `${gateway} is suspended since ${new Date(since).toISOString()}${why}. \`creel resume ${gateway}\` has it serve again`;
}
