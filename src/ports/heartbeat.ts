/** Somebody outside who pages when nobody calls (a dead-man's switch). */
export interface Heartbeat {
  /** Resolves when the call was taken; anything else is an error. Its messages name no more than the host of the URL. */
  beat(): Promise<void>;
}
