import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Bill, Billed } from './billing.js';
import type { Description, Standing } from './description.js';
import type { Invite, Invited } from './invitation.js';
import type { Visit } from '../domain/invitation/invitation.js';
import type { LogCursor, LogPiece } from './log.js';
import type { Placed } from './operation.js';
import type { Park, Reply } from './park.js';
import type { Accepted, Request, Withdrawal } from './requests.js';

/** Asks for an operation; answers at once. Refusals are `ApplicationFailure`s of type `Refused`. */
export const requestUpdate = defineUpdate<Accepted, [Request]>('request');

/** Tells a gateway how the subscription stands that pays for it. The same event told again is heard once. */
export const billUpdate = defineUpdate<Billed, [Bill]>('bill');

/** Asks for a link by which the customer comes to the gateway, once. */
export const inviteUpdate = defineUpdate<Invited, [Invite]>('invite');

/** How whoever has the link of this digest stands, but for the time; nothing comes of it. */
export const visitQuery = defineQuery<Visit, [string]>('visit');

/** Lets in whoever has the link of this digest: the next one finds it used. */
export const letInUpdate = defineUpdate<void, [string]>('letIn');

/** An operator's answer to a parked operation. */
export const replyUpdate = defineUpdate<void, [Reply]>('reply');

/** Withdraws a change that has not begun. Answers how it stands now, undefined for an unknown request. */
export const withdrawUpdate = defineUpdate<Standing | undefined, [Withdrawal]>('withdraw');

/** How the request of this id stands; undefined when it is unknown or forgotten. */
export const standingQuery = defineQuery<Standing | undefined, [string]>('standing');

/** Why a request would be refused now, in the words in which it would be; undefined when it would be taken. */
export const refusalQuery = defineQuery<string | undefined, [Request]>('refusal');

export const describeQuery = defineQuery<Description>('describe');

/** From an operation to its entity, before its first step: the engine on which the gateway stands. */
export const placedSignal = defineSignal<[Placed]>('placed');

/** From an operation to its entity: parked, or no longer. */
export const parkedSignal = defineSignal<[Park | undefined]>('parked');

/** From the entity to an operation: an operator's answer. */
export const replySignal = defineSignal<[Reply]>('reply');

/** From the entity to an operation, before it is cancelled: it need not prove or keep anything any more. */
export const beingRemovedSignal = defineSignal('beingRemoved');

/** From the entity to an operation: its engine is gone for good, so nothing there is worth waiting for. */
export const engineGoneSignal = defineSignal('engineGone');

/** To the entity: the token of this generation was given to somebody who asked for it. */
export const handedOverSignal = defineSignal<[number]>('handedOver');

/** From a reader of a log to its look: the next lines after this cursor; null for the first ones. */
export const nextLogLinesUpdate = defineUpdate<LogPiece, [LogCursor | null]>('nextLogLines');

/** Makes an entity continue as new as soon as no operation is open: for operators after an upgrade, and for tests. */
export const continueAsNewSignal = defineSignal('continueAsNew');
