import type { FenceSeen } from '../domain/hosts/fence-trial.js';
import type { Limits } from './limits.js';

/** What a worker and its engine are asked to look at; `page` has it tell a person so, under this id. */
export type ExamineInput = {
  readonly engine: string;
  readonly limits: Limits;
  readonly page?: string;
  /** The gateways on it whose states are measured; absent from an older creel. */
  readonly states?: readonly LimitedState[];
  /** The fence is not looked at, which takes seconds where it is open; absent where it is, and from an older creel. */
  readonly fence?: false;
};

/** A gateway whose state has a limit. */
export type LimitedState = { readonly gateway: string; readonly birth: string; readonly diskMb: number };

/** What a state takes; without bytes, it could not be counted: it does not run, or has too many files. */
export type MeasuredState = { readonly gateway: string; readonly bytes?: number };

/** A release of a worker's catalogue, whether its image is on the engine, and which channels that serves. */
type ReleaseFacts = {
  readonly version: string;
  readonly dev: boolean;
  readonly here: boolean;
  /** Absent where its image is not here, and of an older creel. */
  readonly channels?: readonly string[];
};

/** What a worker says of its engine: what it is, or why it cannot be used. */
export type EngineAnswer =
  | {
      readonly says: string;
      readonly freeDiskBytes?: number;
      readonly releases: readonly ReleaseFacts[];
      /** How the fence around its gateways is, or why that is not known; absent of an older creel. */
      readonly fence?: FenceSeen | { readonly fails: string };
    }
  | { readonly fails: string };

/** What a worker says of itself and of the engine beside it. Nothing in it is secret. */
export type WorkerFacts = {
  /** The version of its creel. */
  readonly creel: string;
  /** The ids of the master keys that it has. */
  readonly keyIds: readonly string[];
  /** Whether a pager is configured; without one, pages go to its log alone. */
  readonly pager: boolean;
  /** When the keys and secrets beside it were last backed up, as far as that was noted; absent of an older creel. */
  readonly backup?:
    | 'never'
    | { readonly at: number; readonly keyIds: readonly string[]; readonly secretsChanged: boolean };
  /** Its clock, and Temporal's at that moment, in epoch milliseconds. */
  readonly clockMs: number;
  readonly temporalMs: number;
  readonly engine: EngineAnswer;
  /** What the states take that were asked for; absent of an older creel. */
  readonly states?: readonly MeasuredState[];
};

/** How a page ended that was asked for; the message of its failure. */
export type Examined = WorkerFacts & { readonly paged?: 'acknowledged' | { readonly fails: string } };
