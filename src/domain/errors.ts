/**
 * The four kinds of failure (any other `Error` is a hiccup of the world, and is retried with back-off). An adapter
 * decides the kind once; nobody changes it afterwards. Each message says what, where and what now.
 */

/** True later by itself: asked again at a steady pace. */
export class NotYet extends Error {
  override readonly name = 'NotYet';
}

/**
 * The `NotYet` of an engine or a registry that does not answer: it counts against no limit of a gateway, and is retried
 * for hours, ever more slowly.
 */
export class Away extends NotYet {}

/** Asking again is pointless until a person changes something: never retried, parks or unwinds. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** It exists and does not carry our mark: never retried, never touched, pages a person. */
export class Foreign extends Error {
  override readonly name = 'Foreign';
}

/** We broke an invariant of our own: never retried, pages a person. */
export class Bug extends Error {
  override readonly name = 'Bug';
}

/**
 * An earlier step's work is gone (container removed, port taken before the first start). The step mends nothing itself:
 * the saga reads its list again from the top.
 */
export class StartOver extends Error {
  override readonly name = 'StartOver';
}

/** The names of the kinds that no retry of the same attempt can help, for a retry policy. */
export const finalKinds = ['Refused', 'Foreign', 'Bug', 'StartOver'] as const;
