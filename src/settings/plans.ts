import { dirname, isAbsolute, join } from 'node:path';
import { z } from 'zod';
import type { Terms } from '../domain/billing/account.js';
import { Refused } from '../domain/errors.js';
import type { GatewaySpec } from '../domain/gateway/spec.js';
import { specBytes } from '../domain/thresholds.js';
import { jsonBytes } from '../domain/cut.js';
import { directories } from './directories.js';
import { readGatewayFile } from './gateway-file.js';
import { milliseconds, specFrom } from './spec.js';
import { readTomlFile } from './toml-file.js';

const plansForm = z.strictObject({
  plan: z
    .array(
      z.strictObject({
        name: z.string('must be a name in quotes, for example "small"').min(1).max(60),
        prices: z.array(z.string('must be the ids of prices in quotes')).default([]),
        default: z.boolean().default(false),
        spec: z.string('must name a gateway.toml in quotes, for example "small.toml"'),
        suspend_after: z.string().default('7 days'),
        remove_after: z.string().default('1 day'),
      }),
    )
    .default([]),
});

/** What somebody can buy, and what a gateway gets for it. */
type Plan = {
  readonly name: string;
  /** The ids of the prices that a billing system has for it. */
  readonly prices: readonly string[];
  readonly spec: GatewaySpec;
  /** The host on which its gateways begin. */
  readonly host?: string;
  readonly terms: Terms;
};

/** The plans by their names and prices. */
export type Plans = {
  /** The one of this name or price, or of what names neither; undefined: nobody sells that. */
  readonly find: (named: string | undefined) => Plan | undefined;
  readonly all: readonly Plan[];
};

/**
 * The plans of `plans.toml` (`CREEL_PLANS`), each with its whole spec read from the file that it names, beside it; or
 * `Refused`, with every price belonging to one plan alone.
 */
export function readPlans(env: NodeJS.ProcessEnv): Plans {
  const named = env['CREEL_PLANS'] || undefined;
  const usual = join(directories(env).config, 'plans.toml');
  const file = named ?? usual;
  const written = readTomlFile(plansForm, { named, usual }).plan;
  const all = written.map((each) => planOf(each, file));
  const keys = all.flatMap(({ name, prices }) => [name, ...prices]);
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) throw new Refused(`${file}: ${JSON.stringify(twice)} names two plans`);
  const usuals = written.filter((each) => each.default).map(({ name }) => name);
  if (usuals.length > 1) throw new Refused(`${file}: ${usuals.join(' and ')} are both the default, and one can be`);
  const byKey = new Map(all.flatMap((plan) => [plan.name, ...plan.prices].map((key) => [key, plan] as const)));
  return { all, find: (key) => byKey.get(key ?? usuals[0] ?? '') };
}

type Written = z.infer<typeof plansForm>['plan'][number];

function planOf(
  { name, prices, spec: specFile, suspend_after: unpaid, remove_after: ended }: Written,
  file: string,
): Plan {
  const { draft, host } = readGatewayFile(isAbsolute(specFile) ? specFile : join(dirname(file), specFile));
  const spec = specFrom(draft);
  const bytes = jsonBytes(spec);
  if (bytes > specBytes)
    throw new Refused(`${file}: the spec of plan ${name} takes ${bytes} bytes, ${specBytes} at most`);
  const terms = { unpaidMs: milliseconds('suspend_after', unpaid), endedMs: milliseconds('remove_after', ended) };
  return { name, prices, spec, terms, ...(host !== undefined && { host }) };
}
