import type { Secret } from './secret.js';
import { heardCharacters, heardDepth, logLineCharacters, tellingCharacters } from './thresholds.js';

/**
 * What a gateway says is a stranger's word: names of devices, errors, log lines. Here, and nowhere else, it is cleaned,
 * cut and masked before anybody sees it.
 */

/** Escape sequences as terminals read them: CSI, OSC and its relatives with their text, and the short ones. */
const sequences =
  // oxlint-disable-next-line no-control-regex
  /(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]|(?:\u001B[\]PX^_]|[\u009D\u0090\u0098\u009E\u009F])[^\u0007\u001B\u009C]*(?:\u0007|\u001B\\|\u009C)?|\u001B[ -/]*[0-~]/g;

/** Invisible characters that change what is seen: controls, direction marks, joiners, tags, unpaired surrogates. */
const unseen =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|\u034F|\u115F|\u1160|\u17B4|\u17B5|[\u180B-\u180F]|\u3164|[\uFE00-\uFE0F]|\uFFA0/gu;

/** The forms of secrets that creel does not know: a gateway has more than creel gave it. */
const tokenForms = [
  /\b\d{5,}:[A-Za-z0-9_-]{35}\b/g,
  /\b[A-Za-z0-9_-]{18,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{20,}/g,
  /\bx(?:ox[a-z]|app)-[A-Za-z0-9-]{10,}/g,
  /\b(?:sk|pk|rk|ghp|gho|github_pat|glpat|AKIA|AIza)[-_A-Za-z0-9]{16,}/g,
  /(?<=\bBearer\s)[^\s"',;]{8,}/gi,
  /(?<=(?:token|secret|passw(?:or)?d|api[-_]?key)["']?\s?[=:]\s?["']?)[^\s"',;)}\]]{8,}/gi,
  /\b(?=[A-Za-z0-9_-]*[A-Z])(?=[A-Za-z0-9_-]*[a-z])(?=[A-Za-z0-9_-]*\d)[A-Za-z0-9_-]{40,}/g,
];

/** A key of a provider has up to some 200 characters. */
const longestSecret = 512;

/** One line of a stranger's words, of limited length, in which nothing moves a cursor, reverses the text or hides. */
export function plain(text: string, most: number = heardCharacters): string {
  const seen = text
    .slice(0, 4 * most)
    .replaceAll(sequences, '')
    .replaceAll(/\s/g, ' ')
    .replaceAll(unseen, '');
  const letters = Array.from(seen.trim());
  return letters.length <= most ? letters.join('') : `${letters.slice(0, most - 1).join('')}…`;
}

/** Several lines of a stranger's words, each plain; the last `most` characters. */
export function plainLines(text: string, most: number): string {
  const lines = text.slice(-4 * most).split(/\r\n|\n|\r/);
  return lines
    .map((line) => plain(line))
    .join('\n')
    .slice(-most);
}

/**
 * One line of a gateway's log, plain and without secrets. Masked before it is cut to what is shown; where its end was
 * not looked at, the last characters go, which may be half of a secret.
 */
export function plainLogLine(text: string, secrets: readonly Secret[]): string {
  const seen = masked(plain(text, logLineCharacters), secrets);
  const whole = indentOf(text) + (text.length < logLineCharacters ? seen : seen.slice(0, -longestSecret));
  return whole.length <= heardCharacters ? whole : `${whole.slice(0, heardCharacters - 1)}…`;
}

/** A line that continues another one is set in. */
function indentOf(text: string): string {
  const [indent = ''] = /^[ \t]{0,40}/.exec(text) ?? [];
  return indent.replaceAll('\t', '    ');
}

/** Whether a secret is long enough to be known again by: "none" or "ollama" stands in any text, and gives nothing away. */
export function isTelling(secret: string): boolean {
  return secret.length >= tellingCharacters;
}

/** The same words without these secrets, and without anything else that has the form of one. */
export function masked(text: string, secrets: readonly Secret[]): string {
  const without = secrets.filter((secret) => isTelling(secret.reveal())).reduce(withoutSecret, text);
  return tokenForms.reduce((said, form) => said.replaceAll(form, '[masked]'), without);
}

/** Any JSON from a gateway, with every string made plain and rid of the secrets that were used to ask. */
export function plainAnswer(answer: unknown, secrets: readonly Secret[], depth = 0): unknown {
  if (typeof answer === 'string') return secrets.reduce(withoutSecret, plain(answer));
  if (typeof answer !== 'object' || answer === null) return answer;
  if (depth >= heardDepth) return undefined;
  if (Array.isArray(answer)) return answer.map((each) => plainAnswer(each, secrets, depth + 1));
  return Object.fromEntries(
    Object.entries(answer).map(([key, value]) => [plain(key), plainAnswer(value, secrets, depth + 1)]),
  );
}

function withoutSecret(said: string, secret: Secret): string {
  return writtenForms(secret.reveal()).reduce((text, form) => text.replaceAll(form, '[secret]'), said);
}

/** A secret as it stands in a text, in JSON and in an address. */
function writtenForms(value: string): string[] {
  const isWhole = !/\p{Cs}/u.test(value); // What is not has no form in an address.
  return [...new Set([value, JSON.stringify(value).slice(1, -1), ...(isWhole ? [encodeURIComponent(value)] : [])])];
}
