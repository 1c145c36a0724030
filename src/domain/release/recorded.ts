import { Refused } from '../errors.js';
import { readinessMs, recordedImageLength, releasesLength, startPeriodMs } from '../thresholds.js';
import { compareReleases, releaseImage, releaseVersion, type Catalogue, type Release } from './release.js';

/**
 * The releases on a deployment's record once one is added, newest first; the very same list when that line is there
 * already. Another image of a version takes the place of the former. `Refused` when the line is malformed, or there are
 * too many.
 */
export function withRelease(recorded: Catalogue, line: Release): Catalogue {
  const added = recordedLine(line);
  const before = recorded.find(({ version }) => version === added.version);
  if (before && JSON.stringify(before) === JSON.stringify(added)) return recorded;
  if (!before && recorded.length >= releasesLength)
    throw new Refused(
      `the catalogue has ${releasesLength} releases, which is the most. Take one out first: creel release remove ${recorded.at(-1)?.version}`,
    );
  const others = recorded.filter((each) => each !== before);
  return [...others, added].toSorted((one, other) => compareReleases(other.version, one.version));
}

/**
 * The releases on a deployment's record once one is taken out; the very same list when it is not there. `Refused` for
 * the last one.
 */
export function withoutRelease(recorded: Catalogue, raw: string): Catalogue {
  const version = releaseVersion(raw);
  if (!recorded.some((each) => each.version === version)) return recorded;
  if (recorded.length === 1)
    throw new Refused(`release ${version} is the last one in the catalogue: add another before it goes`);
  return recorded.filter((each) => each.version !== version);
}

/** What a worker knows: the releases on its deployment's record and, of other versions, those of its own file. */
export function knownReleases(recorded: Catalogue, file: Catalogue): Catalogue {
  if (recorded.length === 0) return file;
  const isRecorded = ({ version }: Release) => recorded.some((each) => each.version === version);
  return [...recorded, ...file.filter((line) => !isRecorded(line))];
}

/** A line in the form in which it is kept, or `Refused`. */
function recordedLine({ version, image, dev, readyMs, firstReadyMs, reloadsToken }: Release): Release {
  if (typeof dev !== 'boolean') throw new Refused('a line of the catalogue says whether its release is a dev one');
  if (typeof image !== 'string' || image === '' || image.length > recordedImageLength || /\s/.test(image))
    throw new Refused(
      `image ${JSON.stringify(image)} is malformed: a reference of 1 to ${recordedImageLength} characters`,
    );
  return {
    version: releaseVersion(version),
    image: releaseImage(image, dev),
    dev,
    ...(readyMs !== undefined && { readyMs: startTime(readyMs) }),
    ...(firstReadyMs !== undefined && { firstReadyMs: startTime(firstReadyMs) }),
    ...(reloadsToken === true && { reloadsToken }),
  };
}

function startTime(value: number): number {
  if (Number.isSafeInteger(value) && value >= startPeriodMs && value <= readinessMs) return value;
  throw new Refused(
    `a start of ${JSON.stringify(value)} ms is out of bounds: ${startPeriodMs / 1000} to ${readinessMs / 1000} seconds`,
  );
}
