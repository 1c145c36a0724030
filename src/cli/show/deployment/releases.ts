import type { KnownRelease } from '../../../client/deployment/releases.js';
import type { Check, Judged } from '../../../domain/release/upstream.js';
import { counted } from '../../../domain/amounts.js';

/** The releases of a fleet, one a line, and the machines whose workers did not answer. */
export function releaseList(releases: readonly KnownRelease[], silent: readonly string[]): string {
  const none = releases.length === 0 ? ['There is none. `creel release add` adds one.'] : [];
  return text([...releases.map((each) => lineOf(each, silent)), ...silenceOf(silent), ...none]);
}

function lineOf(release: KnownRelease, silent: readonly string[]): string {
  const { version, image, dev, recorded, gateways, workers } = release;
  const where = recorded ? 'on record' : `in the file of the worker on ${workers.map(({ host }) => host).join(', ')}`;
  const what = [...(image === undefined ? [] : [image]), ...(dev ? ['dev'] : [])];
  return `${[version, ...what].join('  ')}  ${where}; ${imageText(release, silent)}; ${counted(gateways, 'gateway')}`;
}

/** Where its image is, and for which channels, as far as workers have said it. */
function imageText({ workers }: KnownRelease, silent: readonly string[]): string {
  const here = workers
    .filter((each) => each.here)
    .map(({ host, channels }) => (channels ? `${host} (channels: ${channels.join(', ') || 'none'})` : host));
  if (here.length > 0) return `its image is on ${here.join(', ')}`;
  if (workers.length === 0) return 'no worker says where its image is';
  return silent.length === 0
    ? 'its image is on no engine yet'
    : `its image is not yet on ${workers.map(({ host }) => host).join(', ')}`;
}

/** What a look upstream comes to, as far as workers have said which releases they know. */
export function checkText({ newest, newer, bad }: Check, silent: readonly string[]): string {
  const than = newest === undefined ? 'no release is known here' : `the newest that is known here is ${newest}`;
  const lines = newer.map((each) => `${each.version}${each.latest ? ' (latest)' : ''} is newer${failedText(each)}`);
  const failures = bad.map((each) => `${each.version} is known here${failedText(each)}`);
  const none = newer.length === 0 ? ['nothing newer is published'] : [];
  return text([than, ...none, ...lines, ...failures, ...silenceOf(silent)]);
}

function failedText({ failures, last }: Judged): string {
  if (!last) return '';
  const times = failures === 1 ? 'once' : `${failures} times`;
  return `; went back here ${times}, last on ${last.gateway} at ${last.at}: ${last.reason}`;
}

function silenceOf(silent: readonly string[]): string[] {
  return silent.map((host) => `the worker on ${host} does not say what it has`);
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
