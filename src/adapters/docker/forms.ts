import { z } from 'zod';
import { Refused } from '../../domain/errors.js';

const labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform((given) => given ?? {});

/**
 * What `GET /images/{name}/json` must say. The containerd store leaves `Config` out of an image that it holds only in
 * part.
 */
export const imageForm = z.object({ Id: z.string().min(1), Config: z.object({ Labels: labels }) });

/** What `GET /images/json` must say of each. */
export const heldImagesForm = z.array(z.object({ RepoDigests: z.array(z.string()).nullish() }));

/** The same of images that bear a name. */
export const pulledForm = z.array(
  z.object({
    Id: z.string().min(1),
    Labels: labels,
    RepoTags: z
      .array(z.string())
      .nullish()
      .transform((names) => names ?? []),
  }),
);

export const volumeForm = z.object({ Name: z.string(), Labels: labels });

const networkForm = z.object({
  Id: z.string().min(1),
  Name: z.string(),
  Labels: labels,
  IPAM: z
    .object({ Config: z.array(z.object({ Subnet: z.string().optional() })).nullish() })
    .nullish()
    .transform((ipam) => (ipam?.Config ?? []).flatMap(({ Subnet }) => (Subnet === undefined ? [] : [Subnet]))),
});

export const networksForm = z.array(networkForm);

export const containerForm = z.object({
  Id: z.string().min(1),
  Name: z.string(),
  Image: z.string(),
  Args: z.array(z.string()),
  RestartCount: z.number(),
  Config: z.object({ Labels: labels, Env: z.array(z.string()).nullish(), Tty: z.boolean().default(false) }),
  State: z.object({
    Status: z.string(),
    ExitCode: z.number(),
    OOMKilled: z.boolean(),
    StartedAt: z.string(),
  }),
  HostConfig: z.object({
    Memory: z.number(),
    NanoCpus: z.number().default(0),
    RestartPolicy: z.object({ Name: z.string().optional() }).nullish(),
  }),
});

/** Kernels differ in the names of their caches. */
export const statsForm = z.object({
  memory_stats: z.object({ usage: z.number().optional(), stats: z.record(z.string(), z.number()).nullish() }),
});

export const listedForm = z.array(z.object({ Id: z.string(), Names: z.array(z.string()), Labels: labels }));

/**
 * Parses an answer of the engine. One of another form is `Refused`, naming the part that is missing or odd: no retry
 * gives it another form.
 */
export function read<T>(form: z.ZodType<T>, answer: unknown, what: string, remedy = otherEngine): T {
  const parsed = form.safeParse(answer);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? 'its whole' : issue.path.join('.');
  throw new Refused(`docker engine, ${what}: creel cannot read the answer (${where}: ${issue?.message}). ${remedy}`);
}

const otherEngine =
  'This engine answers otherwise than Docker 20.10 to 29 do: update it, or name another. See docs/runbook.md#engine-not-understood';

/** What helps with an image that its engine cannot fully describe. */
export function incompleteImage(reference: string): string {
  return `Its image store holds the image in part only. Remove it there (\`docker image rm ${reference}\`) and ask again: it is fetched anew. See docs/runbook.md#engine-not-understood`;
}
