import { z } from 'zod';

/** A notice as any billing system, n8n or a shell sends it. */
export const noticeForm = z.strictObject({
  subscription: z
    .string()
    .min(1)
    .max(255)
    .meta({ description: 'What pays for a gateway. One that has the form of a gateway id is that id.' }),
  standing: z.enum(['active', 'past due', 'ended']).meta({
    description: 'Paid for, or on trial; a payment that failed or is owed; cancelled, and paid for no longer.',
  }),
  at: z.iso.datetime({ offset: true }).meta({
    description: 'Since when that is so, by your own clock: a notice that arrives late does not undo a newer one.',
  }),
  plan: z
    .string()
    .max(60)
    .optional()
    .meta({ description: 'What is paid for: the name of a plan of plans.toml, or one of its prices.' }),
  final: z
    .literal(true)
    .optional()
    .meta({ description: 'With `ended`: nothing that is told of this subscription begins it again.' }),
});

/** What is answered to a notice that is on record. */
export const heardForm = z.object({
  heard: z.enum(['news', 'known', 'late', 'forgotten']).meta({
    description:
      'New; told before; older than everything that is remembered; or so old that nobody knows whose it was (a person is told).',
  }),
  gateway: z.string().meta({ description: 'The id of the gateway that it pays for.' }),
  standing: noticeForm.shape.standing,
});

/** What is answered to anything else. */
export const errorForm = z.object({ error: z.string() });
