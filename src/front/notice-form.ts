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
