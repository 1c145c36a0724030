import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import { z } from 'zod';
import { operationKinds } from '../../wire/operation.js';

type Payload = temporal.api.common.v1.IPayload;
type Payloads = temporal.api.common.v1.IPayloads;

/** What an operation may be, as it stands in inputs and in workflow ids. */
export const operationKind = z.enum(operationKinds);
const operationOutcome = z.enum(['done', 'degraded', 'undone', 'left', 'stopped', 'withdrawn']);
const parkAnswer = z.enum(['retry', 'skip', 'allow', 'abort', 'leave']);

/** What the command line needs of an operation's input. Other fields, of any later version, pass by. */
export const operationInputForm = z.object({
  kind: operationKind,
  steps: z.array(z.string()),
});

const recordForm = z.object({
  version: z.string(),
  imageId: z.string(),
  containerId: z.string(),
  network: z.string(),
  subnet: z.string(),
  port: z.number(),
  volume: z.string(),
  operatorScopes: z.array(z.string()),
  channels: z.string(),
  egress: z.string(),
  keyId: z.string(),
  provedAt: z.string(),
  model: z.string().optional(),
});

/** How an operation says it ended, as its result or as the details of its failure. */
export const operationResultForm = z.object({
  outcome: operationOutcome,
  reason: z.string(),
  record: recordForm.optional(),
  skipped: z.array(z.string()),
  left: z.array(z.object({ step: z.string(), kind: z.string(), reason: z.string() })),
  proofs: z.array(z.object({ at: z.string(), step: z.string(), proof: z.string() })).default([]),
});

/** What a gateway's memo says of it for a look at the whole fleet. */
export const fleetMemoForm = z.object({
  birth: z.string(),
  place: z.object({
    provider: z.enum(['local', 'lightsail']),
    host: z.string(),
    region: z.string().exactOptional(),
    engine: z.string().exactOptional(),
  }),
  rotation: z.literal('scheduled').exactOptional(),
  diskMb: z.number().exactOptional(),
  keyId: z.string().exactOptional(),
  removing: z.literal(true).exactOptional(),
  stateKeptUntil: z.string().exactOptional(),
});

/** What the signal `parked` carries: a park, or nothing when it is over. */
export const parkForm = z.object({
  number: z.string(),
  step: z.string(),
  doing: z.enum(['do', 'undo']),
  reason: z.string(),
  since: z.string(),
  until: z.string(),
  answers: z.array(parkAnswer),
});

export const replyForm = z.object({ park: z.string(), answer: parkAnswer });

/** What the heartbeat of an activity carries. */
export const heartbeatForm = z.object({ sentence: z.string() });

/** The first of some payloads in the shape of `form`; undefined when there is none or it is something else. */
export function firstOf<T>(payloads: Payloads | null | undefined, form: z.ZodType<T>): T | undefined {
  const parsed = form.safeParse(decode(payloads?.payloads?.[0]));
  return parsed.success ? parsed.data : undefined;
}

/** A text that was given to Temporal for people: a summary. Empty when there is none. */
export function textOf(payload: Payload | null | undefined): string {
  const value = decode(payload);
  return typeof value === 'string' ? value : '';
}

function decode(payload: Payload | null | undefined): unknown {
  return payload ? defaultPayloadConverter.fromPayload(payload) : undefined;
}
