import type { ChannelKind } from '../domain/channels/channel.js';
import type { Gateway } from '../domain/gateway/gateway.js';
import type { LogLine, LogPosition } from '../domain/gateway/log.js';
import type { Limits } from './limits.js';

/** What somebody wants to read of a gateway's log. */
export type LogRequest = {
  /** The last so many lines, of those below; all when absent. */
  readonly tail?: number;
  /** Nothing older (RFC 3339). */
  readonly since?: string;
  /** Only what is about this channel. */
  readonly channel?: ChannelKind;
  readonly follow: boolean;
};

/** How far a reader has come: in which container, and whether it has heard that it does not run. */
export type LogCursor = LogPosition & { readonly container: string; readonly isDown?: true };

/** The look that reads a log. One run answers a stretch of questions; then, or after a silence, the reader begins another. */
export type LogInput = {
  readonly gateway: Gateway;
  /** The reader's one-time public key: what is read is sealed to it. */
  readonly recipient: string;
  /** Who reads, for the audit log. */
  readonly who: string;
  /** By this a worker knows a reader again, and goes on with the source that it holds open. */
  readonly reader: string;
  readonly asked: LogRequest;
  readonly limits: Limits;
};

/** Why nothing more comes: the log was read to its end, or the gateway was removed. */
export type LogEnd = 'read' | 'removed';

/** What a question is answered with. */
export type LogPiece = {
  /** A `LogContent` as JSON, sealed. */
  readonly sealed: string;
  /** From where the next question goes on; absent while there is no container. */
  readonly cursor?: LogCursor;
  readonly end?: LogEnd;
  /** This run has answered enough. */
  readonly isLast?: true;
};

/** What became of the container whose log is followed, or that its engine does not answer. */
export type LogNews = 'stopped' | 'started' | 'replaced' | 'away';

/** What a reader gets to see, in this order. */
export type LogContent = {
  /** So many lines are left out before these: they came faster than they were read. */
  readonly lost?: number;
  /** The engine had thrown away lines before these: how many, nobody knows. */
  readonly hasGap?: true;
  readonly lines: readonly LogLine[];
  readonly news?: LogNews;
};
