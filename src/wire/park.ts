/** An operation that waits for an operator's word. */
export type Park = {
  /** Names this park; an answer must name it, too. For example `12.1`: operation 12, first park. */
  readonly number: string;
  readonly step: string;
  readonly doing: 'do' | 'undo';
  readonly reason: string;
  readonly since: string;
  readonly until: string;
  /**
   * `skip` only for optional steps, `allow` only for a refusal that may be overridden as it stands, `leave` only for an
   * undo.
   */
  readonly answers: readonly ParkAnswer[];
};

export type ParkAnswer = 'retry' | 'skip' | 'allow' | 'abort' | 'leave';

export type Reply = { readonly park: string; readonly answer: ParkAnswer; readonly origin: string };

/** A park as people read it, with the commands that answer it. */
export function describePark(gateway: string, park: Park): string {
  const commands = park.answers.map((answer) => `creel ${answer} ${gateway} --park ${park.number}`);
  return `parked (${park.number}) at "${park.step}"${park.doing === 'undo' ? ' (undo)' : ''}: ${park.reason}. Until ${park.until}: ${commands.join(' | ')}`;
}
