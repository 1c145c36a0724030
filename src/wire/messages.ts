import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Description, Standing } from './description.js';
import type { Placed } from './operation.js';
import type { Park, Reply } from './park.js';
import type { Accepted, Request, Withdrawal } from './requests.js';

/** Asks for an operation; answers at once. Refusals are `ApplicationFailure`s of type `Refused`. */
export const requestUpdate = defineUpdate<Accepted, [Request]>('request');

/** An operator's word to a parked operation. */
export const replyUpdate = defineUpdate<void, [Reply]>('reply');

/** Takes a change back that waits; what has begun goes on. Answers how it stands now, undefined for an unknown request. */
export const withdrawUpdate = defineUpdate<Standing | undefined, [Withdrawal]>('withdraw');

/** How the request of this id stands; undefined when it is unknown or forgotten. */
export const standingQuery = defineQuery<Standing | undefined, [string]>('standing');

export const describeQuery = defineQuery<Description>('describe');

/** From an operation to its entity, before its first step: the engine on which the gateway stands. */
export const placedSignal = defineSignal<[Placed]>('placed');

/** From an operation to its entity: parked, or no longer. */
export const parkedSignal = defineSignal<[Park | undefined]>('parked');

/** From the entity to an operation: an operator's word. */
export const replySignal = defineSignal<[Reply]>('reply');

/** From the entity to an operation, before it is cancelled: nothing of it needs to be proved or kept. */
export const beingRemovedSignal = defineSignal('beingRemoved');

/** From the entity to an operation: its engine is gone for good, and nothing of it needs to be waited for. */
export const engineGoneSignal = defineSignal('engineGone');

/** To the entity: the token of this generation was given to somebody who asked for it. */
export const handedOverSignal = defineSignal<[number]>('handedOver');

/** Makes an entity continue as new as soon as no operation is open: for operators after an upgrade, and for tests. */
export const continueAsNewSignal = defineSignal('continueAsNew');
