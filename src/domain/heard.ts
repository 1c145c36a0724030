import type { Secret } from './secret.js';
import { heardCharacters, heardDepth } from './thresholds.js';

/**
 * What a gateway says is a stranger's word: names of devices, errors, log lines. Here, and nowhere else, it is cleaned, cut and
 * masked before anybody sees it.
 */

/** Escape sequences as terminals read them: CSI, OSC and its relatives with their text, and the short ones. */
const sequences =
  // oxlint-disable-next-line no-control-regex
  /(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]|(?:\u001B[\]PX^_]|[\u009D\u0090\u0098\u009E\u009F])[^\u0007\u001B\u009C]*(?:\u0007|\u001B\\|\u009C)?|\u001B[ -/]*[0-~]/g;

/** What is not shown and still changes what is: controls, marks of direction, joiners, tags, halves of pairs. */
const unseen =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|\u034F|\u115F|\u1160|\u17B4|\u17B5|[\u180B-\u180F]|\u3164|[\uFE00-\uFE0F]|\uFFA0/gu;

/** The forms of secrets that creel does not know, because a gateway has more than creel gave it. */
const tokenForms = [
  /\b\d{5,}:[A-Za-z0-9_-]{35}\b/g,
  /\b[A-Za-z0-9_-]{18,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{20,}/g,
  /\bx(?:ox[a-z]|app)-[A-Za-z0-9-]{10,}/g,
  /\b(?:sk|pk|rk|ghp|gho|github_pat|glpat|AKIA|AIza)[-_A-Za-z0-9]{16,}/g,
  /(?<=\bBearer\s)[^\s"',;]{8,}/gi,
  /(?<=(?:token|secret|passw(?:or)?d|api[-_]?key)["']?\s?[=:]\s?["']?)[^\s"',;)}\]]{8,}/gi,
  /\b(?=[A-Za-z0-9_-]*[A-Z])(?=[A-Za-z0-9_-]*[a-z])(?=[A-Za-z0-9_-]*\d)[A-Za-z0-9_-]{40,}/g,
];

/** One line of a stranger's words: nothing in it moves a cursor, turns the text around or hides, and it has an end. */
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

/** The same words without these secrets, and without whatever else has the form of one. */
export function masked(text: string, secrets: readonly Secret[]): string {
  const known = secrets.map((secret) => secret.reveal()).filter((value) => value.length >= 8);
  const without = known.reduce((said, value) => said.replaceAll(value, '[secret]'), text);
  return tokenForms.reduce((said, form) => said.replaceAll(form, '[masked]'), without);
}

/** Any JSON that a gateway answered with every string of it plain and without the secrets that it was asked with. */
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
  return said.replaceAll(secret.reveal(), '[secret]');
}
