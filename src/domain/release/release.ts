import { Refused } from '../errors.js';

/** One line of the catalogue: a version, and the prepared image that contains it. */
export type Release = {
  readonly version: string;
  /** `repository@sha256:…` or, for a `dev` release, the id or tag of an image that the engine already has. */
  readonly image: string;
  /** Built here from npm: only the demo, the tests and a spec that says so accept it. */
  readonly dev: boolean;
  /** How long any start of it may take, where that is longer than usual. */
  readonly readyMs?: number | undefined;
  /** How long its first start after an upgrade may take, which migrates the former release's state. */
  readonly firstReadyMs?: number | undefined;
  /** A trial has seen it take another gateway token while it runs; without, the labels of its image say whether it does. */
  readonly reloadsToken?: boolean | undefined;
};

export type Catalogue = readonly Release[];

/** On record of a life whose own record was lost: only its state says which release it belongs to. */
export const unknownRelease = '0000.0.0';

const versionForm = /^\d{4}\.\d{1,2}\.\d{1,2}(?:-[0-9A-Za-z.]{1,40})?$/;
const digestForm = /^[^\s@]+@sha256:[0-9a-f]{64}$/;

/** Whether a text has the form of a release version. */
export function isVersion(text: string): boolean {
  return versionForm.test(text);
}

/** A release version as given, or `Refused`: under a floating name, two gateways of one spec could differ. */
export function releaseVersion(raw: unknown): string {
  if (typeof raw === 'string' && isVersion(raw)) return raw;
  throw new Refused(
    `release ${JSON.stringify(raw)} is not a version: floating names such as "latest" are refused, name one line of the catalogue. For example: 2026.9.6`,
  );
}

/**
 * The image of a catalogue line as given, or `Refused`: S0-21 and S2-39 accept only digests, a dev release a local
 * image.
 */
export function releaseImage(image: string, dev: boolean): string {
  if (dev || digestForm.test(image)) return image;
  throw new Refused(
    `image ${JSON.stringify(image)} is not pinned: write repository@sha256:…, or mark the line dev = true for an image built on this machine`,
  );
}

/** The catalogue line of a version, or `Refused` naming the lines there are. */
export function findRelease(catalogue: Catalogue, version: string, allowDev: boolean): Release {
  const line = catalogue.find((each) => each.version === version);
  if (!line) {
    const known = catalogue.map((each) => each.version).join(', ');
    throw new Refused(
      `release ${version} is not in this worker's catalogue (${known === '' ? 'it has none' : `it has: ${known}`}). \`creel release add ${version} --image …\` puts it there for all workers${known === '' ? '' : ', or name one of these'}`,
    );
  }
  if (line.dev && !allowDev) {
    throw new Refused(
      `release ${version} is a dev release, built from npm on the worker's machine: give the spec dev = true (\`--dev\` at the command line), or the catalogue a line with a digest`,
    );
  }
  return line;
}

/**
 * Whether a release can be told to ask about every device (`gateway.nodes.pairing.autoApproveLocal`). Otherwise a
 * browser that opens the published loopback port with the gateway token is paired as owner, and nobody is asked.
 * 2026.6.11 does not start with that key, 2026.9.6 knows it; the releases between were not tried.
 */
export function asksEveryDevice(version: string): boolean {
  const [year = 0, month = 0, patch = 0] = version.split(/[.-]/).map(Number);
  return year > 2026 || (year === 2026 && (month > 9 || (month === 9 && patch >= 6)));
}

/** Below 0 when the first release is older, above 0 when it is newer; anything from a "-" on is ignored. */
export function compareReleases(one: string, other: string): number {
  const [a, b] = [one, other].map((each) => (each.split('-')[0] ?? '').split('.').map(Number));
  const differing = [0, 1, 2].map((part) => (a?.[part] ?? 0) - (b?.[part] ?? 0)).find((each) => each !== 0);
  return differing ?? 0;
}

/** Why a gateway is not upgraded to an older release than the one whose state it has. */
export function olderThanState(gateway: string, has: string, asked: string): string {
  return `release ${asked} is older than ${has}, which has written the state of ${gateway}: it would not start on it`;
}
