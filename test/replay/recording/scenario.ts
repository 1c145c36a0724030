import type { History } from '@temporalio/common/lib/proto-utils.js';

/** One thing that is asked, made to happen, or waited for. */
export type Act<P> = (play: P) => Promise<unknown> | void;

/** How something comes to the state in which its histories are recorded. */
export type Scenario<P, L> = {
  /** What it is asked for with, where that is not the usual. */
  readonly limits?: Partial<L>;
  /** What happens first, one after the other. */
  readonly asked: readonly Act<P>[];
  /** What is waited for then. Its histories are exported at once: the state must stay while they are read. */
  readonly exported: Act<P>;
};

/** Scenarios by their names, which are those of the recorded files. */
export type Scenarios<P, L> = Readonly<Record<string, Scenario<P, L>>>;

/** What a scenario is played on. */
export type Play = {
  /** Its histories by the names of their files. */
  histories(name: string): Promise<Readonly<Record<string, History>>>;
  close(): Promise<void>;
};
