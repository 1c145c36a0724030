import { z } from 'zod';
import { Refused } from '../domain/errors.js';
import { releaseImage, releaseVersion, type Catalogue } from '../domain/release/release.js';
import { readinessMs, startPeriodMs } from '../domain/thresholds.js';
import { milliseconds } from './spec.js';
import { readTomlFile } from './toml-file.js';

const catalogueForm = z.strictObject({
  release: z
    .array(
      z.strictObject({
        version: z.string(),
        image: z.string(),
        dev: z.boolean().default(false),
        ready_within: z.string().optional(),
        first_ready_within: z.string().optional(),
      }),
    )
    .default([]),
});

/**
 * The catalogue in the named file, or else in the usual place, where a missing file means an empty catalogue; `Refused`
 * with what is wrong in it.
 */
export function readCatalogue(named: string | undefined, usual: string): Catalogue {
  const file = named ?? usual;
  const { release } = readTomlFile(catalogueForm, { named, usual });
  const lines = release.map((line) => ({
    version: releaseVersion(line.version),
    image: releaseImage(line.image, line.dev),
    dev: line.dev,
    ...(line.ready_within !== undefined && { readyMs: startTime('ready_within', line.ready_within) }),
    ...(line.first_ready_within !== undefined && {
      firstReadyMs: startTime('first_ready_within', line.first_ready_within),
    }),
  }));
  const twice = lines.find((line, index) => lines.findIndex((other) => other.version === line.version) !== index);
  if (twice) throw new Refused(`${file} has two lines for release ${twice.version}`);
  return lines;
}

/**
 * How long a start of a release may take: not less than any start may (S3-20), and not longer than one is waited for.
 */
export function startTime(field: string, written: string): number {
  const value = milliseconds(field, written);
  if (value >= startPeriodMs && value <= readinessMs) return value;
  throw new Refused(
    `${field} ${JSON.stringify(written)} is out of bounds: ${startPeriodMs / 1000} to ${readinessMs / 1000} seconds`,
  );
}
