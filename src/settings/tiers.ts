import { join } from 'node:path';
import { z } from 'zod';
import { Refused } from '../domain/errors.js';
import { directories } from './directories.js';
import { readTomlFile } from './toml-file.js';

const tiersForm = z.record(
  z.string(),
  z.strictObject({
    memory: z.string('must be a size in quotes, for example "2 GB"').optional(),
    cpus: z.number('must be a number, for example 2').optional(),
    disk: z.string('must be a size in quotes, for example "10 GB"').optional(),
  }),
);

/** What a tier gives a gateway whose file leaves it out. */
export type Tier = z.infer<typeof tiersForm>[string];

/** The tier of a name (S0-34), or `Refused` with those there are, and the file that says them. */
export function tierNamed(name: string, env: NodeJS.ProcessEnv = process.env): Tier {
  const usual = env['CREEL_TIERS'] || join(directories(env).config, 'tiers.toml');
  const tiers = readTomlFile(tiersForm, { named: undefined, usual });
  const tier = Object.hasOwn(tiers, name) ? tiers[name] : undefined;
  if (tier) return tier;
  const known = Object.keys(tiers).join(', ');
  throw new Refused(
    `tier ${JSON.stringify(name)} is unknown: ${known === '' ? `none is set in ${usual}` : `${usual} has ${known}`}. Add it there as [${name}] with memory, cpus and disk, or write these into the file itself`,
  );
}
