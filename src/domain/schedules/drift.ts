import { namedInReport } from '../thresholds.js';
import type { Catalogue } from '../release/release.js';

/** By engine, which image each release of the catalogue is there; a release whose image is not there is missing. */
export type ImagesOn = { readonly engine: string; readonly images: Readonly<Record<string, string>> };

/** A gateway whose image is another one than that of its release on record, or whose release is on no record. */
type Drifted = { readonly gateway: string; readonly release: string; readonly why: string };

/** What a report of drift says (S2-39). */
export type DriftReport = {
  readonly gateways: number;
  readonly drifted: number;
  /** Some of them by name. */
  readonly named: readonly Drifted[];
  /** Gateways of which nobody could say: their engine was not asked, or its image of the release is not there. */
  readonly unknown: number;
};

/** What is compared of one gateway. */
export type Compared = {
  readonly gateway: string;
  readonly release: string;
  readonly engine: string | undefined;
  readonly imageId: string | undefined;
};

/** Counts one gateway more. */
export function withCompared(
  report: DriftReport,
  compared: Compared,
  catalogue: Pick<Catalogue[number], 'version'>[],
  images: readonly ImagesOn[],
): DriftReport {
  const { gateway, release, engine, imageId } = compared;
  const gateways = report.gateways + 1;
  const why = catalogue.some(({ version }) => version === release)
    ? otherImage(release, imageId, images.find((each) => each.engine === engine)?.images[release])
    : `release ${release} is on no record`;
  if (why === 'unknown') return { ...report, gateways, unknown: report.unknown + 1 };
  if (why === undefined) return { ...report, gateways };
  const named = [...report.named, { gateway, release, why }].slice(0, namedInReport);
  return { ...report, gateways, drifted: report.drifted + 1, named };
}

function otherImage(release: string, has: string | undefined, should: string | undefined): string | undefined {
  if (has === undefined || should === undefined) return 'unknown';
  if (has === should) return undefined;
  return `its image is ${short(has)}, and that of ${release} is ${short(should)} now`;
}

function short(imageId: string): string {
  return imageId.replace(/^sha256:/, '').slice(0, 12);
}

/** A report before the first gateway. */
export const emptyReport: DriftReport = { gateways: 0, drifted: 0, named: [], unknown: 0 };

/** The report as a person reads it. */
export function driftText({ gateways, drifted, named, unknown }: DriftReport): string {
  const more = drifted > named.length ? [`and ${drifted - named.length} more`] : [];
  const lines = [...named.map(({ gateway, why }) => `${gateway}: ${why}`), ...more];
  const rest = unknown === 0 ? '' : `; of ${unknown} it is not known`;
  const remedy = drifted === 0 ? '' : `. \`creel change ${named[0]?.gateway} --renew\` makes a container anew`;
  return `${drifted} of ${gateways} gateways are on another image than their release${rest}${lines.length === 0 ? '' : `: ${lines.join('; ')}`}${remedy}`;
}
