import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { writeWhole } from '../adapters/files/export-directory.js';
import { Refused } from '../domain/errors.js';
import { gatewayBirth, gatewayId, gatewayPlace, layout } from '../domain/gateway/gateway.js';
import { gatewaySpec } from '../domain/gateway/spec.js';
import { exportForm, type ExportedGateway, type ExportHead } from '../domain/recovery/exported.js';
import { notRead } from './not-read.js';

/** Writes lines to a file that is there as a whole or not at all, for its owner alone. */
export async function saveExport(file: string, lines: AsyncIterable<string>): Promise<void> {
  await writeWhole(file, lines);
}

/** An export as it was read: whose it is, and every gateway in it. */
export type Export = {
  readonly head: ExportHead;
  readonly gateways: readonly ExportedGateway[];
  readonly silent: readonly string[];
};

const generation = z.number().int().positive();

const headForm = z.object({
  creel: z.literal('export'),
  form: z.number().int(),
  at: z.iso.datetime(),
  deployment: z.string().regex(/^[a-z]{10}$/),
  layout: z.number().int().positive(),
  epoch: z.object({ number: z.number().int().positive(), id: z.string(), from: z.string().optional() }).exactOptional(),
  keys: z
    .array(
      z.object({
        id: z.string(),
        check: z.string(),
        state: z.enum(['current', 'next', 'retired']),
        runs: z.number().int().positive().optional(),
      }),
    )
    .min(1),
  engines: z.array(z.object({ engine: z.string(), host: z.string(), was: z.array(z.string()).exactOptional() })),
  releases: z.array(
    z.object({
      version: z.string(),
      image: z.string(),
      dev: z.boolean(),
      readyMs: z.number().int().positive().exactOptional(),
      firstReadyMs: z.number().int().positive().exactOptional(),
      reloadsToken: z.boolean().exactOptional(),
    }),
  ),
});

/** Every field of a line: one that is missing here would be lost at a recovery. */
const gatewayForm = z.object({
  gateway: z.string(),
  phase: z.string(),
  since: z.string(),
  life: z.object({
    mark: z.object({ deployment: z.string(), gateway: z.string(), birth: z.string(), layout: z.number() }),
    place: z.unknown(),
    spec: z.unknown(),
    tokenGeneration: generation,
    deviceGeneration: generation,
    keyId: z.string().exactOptional(),
  }),
  burned: z.object({ token: generation, device: generation }).exactOptional(),
  approved: z.array(z.string()),
  imageId: z.string().exactOptional(),
  provedAt: z.string().exactOptional(),
  stateKeptUntil: z.string().exactOptional(),
  suspended: z.object({ since: z.number().int(), reason: z.string() }).exactOptional(),
  former: z.string().exactOptional(),
} satisfies Record<keyof ExportedGateway, z.ZodType>);

const endForm = z.object({ end: z.object({ gateways: z.number().int(), silent: z.array(z.string()) }) });

/** Reads an export, whole, or `Refused`: it is none, a newer creel wrote it, or it was cut off. */
export function readExport(file: string): Export {
  const [first, ...rest] = linesOf(file);
  const head = headForm.safeParse(first);
  if (!head.success) throw new Refused(`${file} is no export of creel: its first line does not say so`);
  const { form, layout: laid } = head.data;
  if (form !== exportForm || laid > layout)
    throw new Refused(`${file} was written by a newer creel (form ${form}, layout ${laid}): read it with that one`);
  const end = endForm.safeParse(rest.at(-1));
  if (!end.success || end.data.end.gateways !== rest.length - 1)
    throw new Refused(`${file} was cut off: its last line does not say how many gateways it has. Take another export`);
  const gateways = rest.slice(0, -1).map((line, index) => gatewayIn(`${file}, line ${index + 2}`, line));
  return { head: { ...head.data, form: exportForm, keys: head.data.keys }, gateways, silent: end.data.end.silent };
}

function linesOf(file: string): unknown[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw notRead(file, error);
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => {
      try {
        return JSON.parse(line) as unknown;
      } catch {
        throw new Refused(`${file}, line ${index + 1}: this is not JSON. Was it cut off?`);
      }
    });
}

function gatewayIn(where: string, line: unknown): ExportedGateway {
  const parsed = gatewayForm.safeParse(line);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Refused(`${where}: ${issue?.path.join('.')} ${issue?.message}`);
  }
  const { life, ...rest } = parsed.data;
  try {
    const spec = gatewaySpec(life.spec);
    const mark = { ...life.mark, gateway: gatewayId(life.mark.gateway), birth: gatewayBirth(life.mark.birth) };
    return { ...rest, life: { ...life, mark, place: gatewayPlace(life.place), spec } };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw new Refused(`${where}: ${error.message}`);
  }
}
