import { z } from 'zod';

const labels = z.record(z.string(), z.string());

export const imageRecord = z.object({ id: z.string(), labels });

export const volumeRecord = z.object({ name: z.string(), labels });

export const networkRecord = z.object({ id: z.string(), name: z.string(), labels, subnet: z.string() });

/** What never changes in the life of a container; a writer has neither network nor port. */
export const containerRecord = z.object({
  id: z.string(),
  name: z.string(),
  labels,
  imageId: z.string(),
  command: z.array(z.string()),
  environment: z.record(z.string(), z.string()).optional(),
  network: z.string().nullable(),
  hostPort: z.number().nullable(),
  volume: z.string(),
  target: z.string(),
  /** The limits that it was made with. */
  memoryMb: z.number().optional(),
  /** Another volume that it holds: a copier has two. */
  beside: z.string().optional(),
  cpus: z.number().optional(),
});

/** What changes in the life of a container. It lies apart, under the id, so that a late change never brings a removed one back. */
export const stateRecord = z.object({
  state: z.enum(['created', 'running', 'restarting', 'paused', 'exited']),
  /** Its process lives and answers nothing until it is started again. */
  wedged: z.boolean().optional(),
  exitCode: z.number(),
  outOfMemory: z.boolean(),
  restartPolicy: z.string(),
  restartCount: z.number(),
  startedAt: z.string(),
  /** The network that it is bound to since its first start; empty before. */
  networkId: z.string(),
  /** The limits that it was given since. */
  memoryMb: z.number().optional(),
  cpus: z.number().optional(),
  /** What its processes hold of its memory. */
  heldMb: z.number().optional(),
});

export type ContainerRecord = z.infer<typeof containerRecord>;
export type StateRecord = z.infer<typeof stateRecord>;
