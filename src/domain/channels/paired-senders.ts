import { Refused } from '../errors.js';
import { at, isObject, type Json, type JsonObject } from '../json.js';
import { plain } from '../heard.js';
import { senderCodeMs, senderCharacters, sendersNamed } from '../thresholds.js';

/** A person of a chat channel, as its gateway tells people apart. */
export type Sender = { readonly channel: string; readonly account: string; readonly id: string };

/** A sender whom a channel has told a code, and who is heard when somebody approves it. */
export type WaitingSender = Sender & {
  /** What the sender is called there, or empty: it proves nothing. */
  readonly name: string;
  readonly code: string;
  /** Epoch ms by the gateway's clock. */
  readonly askedAtMs: number;
};

/** What a gateway keeps of senders who were told to pair. */
export type SenderBook = {
  /** Epoch ms by the gateway's clock. */
  readonly now: number;
  /** Expired ones included, as long as the gateway has not dropped them. */
  readonly waiting: readonly WaitingSender[];
  readonly admitted: readonly Sender[];
};

/** The senders of a gateway, as it lists them; nobody's code is among them. */
export type SenderList = {
  readonly admitted: readonly Sender[];
  readonly waiting: readonly (Sender & { readonly name: string; readonly askedAtMs: number })[];
  /** How many there are beyond those listed; absent when none. */
  readonly left?: number;
};

const codeForm = /^[A-HJ-NP-Z2-9]{8}$/;
const channelForm = /^[a-z][a-z0-9_-]{0,63}$/;

/** A code as a bot tells it, in any case; `Refused` when it cannot be one. */
export function senderCode(raw: unknown): string {
  const code = typeof raw === 'string' ? raw.trim().toUpperCase() : '';
  if (codeForm.test(code)) return code;
  throw new Refused(
    `sender code ${said(raw)} is malformed: a bot tells eight of A to Z and 2 to 9, without I and O. For example: Z6JHW56J`,
  );
}

/** A sender's id as a channel writes it, or `Refused`. */
export function senderId(raw: unknown): string {
  if (typeof raw === 'string' && raw !== '' && raw !== '*' && plain(raw, senderCharacters) === raw) return raw;
  throw new Refused(`sender ${said(raw)} is malformed: an id as \`creel devices\` shows it. For example: 5550001`);
}

/** A channel's name, or `Refused`; undefined means any. */
export function senderChannel(raw: unknown): string | undefined {
  if (raw === undefined || (typeof raw === 'string' && channelForm.test(raw))) return raw;
  throw new Refused(`channel ${said(raw)} is malformed. For example: telegram`);
}

/** Something that was given, as a sentence quotes it. */
function said(raw: unknown): string {
  return plain(JSON.stringify(raw) ?? 'nothing', senderCharacters);
}

/**
 * The sender who waits with a code. `Refused` when nobody does: it was mistyped or is used up, it is another channel's,
 * or it has expired; each is told apart as far as the gateway still knows.
 */
export function senderWith(
  { now, waiting }: SenderBook,
  { code, channel }: { readonly code: string; readonly channel?: string | undefined },
): WaitingSender {
  const having = waiting.filter((each) => each.code === code);
  const [found, other] = having.filter((each) => channel === undefined || each.channel === channel);
  const [elsewhere] = having;
  if (other)
    throw new Refused(`code ${code} is told in ${found?.channel} and in ${other.channel}: say which with --channel`);
  if (!found && elsewhere)
    throw new Refused(
      `code ${code} is of channel ${elsewhere.channel}, not of ${channel}: give --channel ${elsewhere.channel}, or leave it out`,
    );
  if (!found)
    throw new Refused(
      unknown(
        code,
        waiting.filter((each) => !isExpired(each, now)),
      ),
    );
  if (isExpired(found, now))
    throw new Refused(
      `code ${code} of ${describeSender(found)} has expired: it was good for an hour. Have them write to the bot again, it tells them a new one`,
    );
  return found;
}

/** Whether a code is too old to be approved. */
export function isExpired({ askedAtMs }: WaitingSender, now: number): boolean {
  return now - askedAtMs > senderCodeMs;
}

function unknown(code: string, waiting: readonly WaitingSender[]): string {
  const shown = waiting.slice(0, sendersNamed).map(describeSender).join('; ');
  const who = waiting.length === 0 ? 'nobody waits to be let in' : `${waiting.length} wait with other codes: ${shown}`;
  return `nobody waits with code ${code}: it is mistyped, used already, or older than an hour (${who}). Have them write to the bot again, it tells them the code that counts`;
}

/** Whether two name the same person to a gateway. */
export function isSender(one: Sender, other: Sender): boolean {
  return one.channel === other.channel && one.account === other.account && one.id === other.id;
}

/** A sender as people recognise them. */
export function describeSender(sender: Sender & { readonly name?: string }): string {
  const account = sender.account === 'default' ? '' : ` of account ${sender.account}`;
  return `${sender.channel} sender ${sender.id}${sender.name ? ` (${sender.name})` : ''}${account}`;
}

/** The channels that a config has, in use or not. */
export function channelsIn(config: JsonObject): string[] {
  const { channels } = config;
  return isObject(channels) ? Object.keys(channels).filter((name) => channelForm.test(name)) : [];
}

/** How an account of a channel treats senders whom its config does not name; `pairing` is what a gateway does untold. */
export function dmPolicy(config: JsonObject, { channel, account }: Pick<Sender, 'channel' | 'account'>): string {
  const block = at(config, ['channels', channel]);
  const accounts = at(block, ['accounts']);
  const [own] = isObject(accounts)
    ? Object.entries(accounts).filter(([id]) => id.trim().toLowerCase() === account.toLowerCase())
    : [];
  return plain(policyOf(own?.[1]) ?? policyOf(block) ?? 'pairing', senderCharacters);
}

/** Whether any account of any channel lets senders in by a code. */
export function pairsSenders(config: JsonObject): boolean {
  return channelsIn(config).some((channel) => {
    const accounts = at(config, ['channels', channel, 'accounts']);
    const ids = ['default', ...(isObject(accounts) ? Object.keys(accounts) : [])];
    return ids.some((account) => dmPolicy(config, { channel, account }) === 'pairing');
  });
}

/** Whether a config itself names a sender, who is then heard without having been let in by a code. */
export function isInConfig(config: JsonObject, { channel, id }: Pick<Sender, 'channel' | 'id'>): boolean {
  const block = at(config, ['channels', channel]);
  const accounts = at(block, ['accounts']);
  const blocks = [block, ...(isObject(accounts) ? Object.values(accounts) : [])];
  return blocks.some((each) => {
    const listed = at(each, ['allowFrom']);
    return Array.isArray(listed) && listed.some((entry) => bare(entry, channel) === id);
  });
}

function bare(entry: Json, channel: string): string {
  const text = typeof entry === 'string' || typeof entry === 'number' ? String(entry).trim() : '';
  const prefix = [`${channel}:`, ...(channel === 'telegram' ? ['tg:'] : [])].find((each) =>
    text.toLowerCase().startsWith(each),
  );
  return prefix === undefined ? text : text.slice(prefix.length).trim();
}

function policyOf(block: Json | undefined): string | undefined {
  const said = at(block, ['dmPolicy']) ?? at(block, ['dm', 'policy']);
  return typeof said === 'string' ? said : undefined;
}
