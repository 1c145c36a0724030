import { Refused } from '../errors.js';
import { isReference } from '../secret-name.js';
import { sendersLength } from '../thresholds.js';
import { findSenderFault, sendersFrom } from './senders.js';

/** A chat channel of a spec: where its secrets lie and who may talk to it. */
export type Channel = {
  readonly kind: ChannelKind;
  /** Secret references by config key, for example `{ botToken: 'secret:g42-telegram' }`. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly allowFrom: readonly string[];
  /**
   * Whoever else writes is told a code, and heard once somebody has approved it (S2-46); absent, whoever else writes is
   * not answered.
   */
  readonly pairSenders?: true;
};

export type ChannelKind = keyof typeof tokenForms;

/**
 * S4-32: the form of a channel's tokens. The gateway itself accepts anything, and reports such a channel as running.
 */
export const tokenForms = {
  telegram: { botToken: { form: /^\d{5,}:[A-Za-z0-9_-]{35}$/, example: '123456789:<35 letters>' } },
  discord: {
    token: {
      form: /^[A-Za-z0-9_-]{18,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{20,}$/,
      example: 'MTIz….Gh4x.…',
    },
  },
  slack: {
    botToken: { form: /^xoxb-[A-Za-z0-9-]{10,}$/, example: 'xoxb-…' },
    appToken: { form: /^xapp-[A-Za-z0-9-]{10,}$/, example: 'xapp-…' },
  },
  /** Has no token: a phone is linked to the gateway, once it runs. */
  whatsapp: {},
} as const satisfies Record<string, Record<string, { form: RegExp; example: string }>>;

/** Whether a kind has no token: a phone is linked to it by its owner, once the gateway runs. */
export function isLinked(kind: ChannelKind): boolean {
  return Object.keys(tokenForms[kind]).length === 0;
}

/** A channel's key as `gateway.toml` writes it: `bot_token`. */
export function writtenKey(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * A channel as somebody asks for it: like a stored one, with every sender in the form of its kind; or `Refused`, saying
 * how to find a sender's right form.
 */
export function channelFrom(raw: unknown): Channel {
  const found = channel(raw);
  return { ...found, allowFrom: sendersOf(found) };
}

/** The senders that a channel names, in the form of its kind; none is `Refused` unless senders can ask. */
function sendersOf({ kind, allowFrom, pairSenders }: Channel): string[] {
  return pairSenders && allowFrom.length === 0 ? [] : sendersFrom(kind, allowFrom);
}

/**
 * Checks requested channels against those on record. Unchanged ones pass; any other must name its senders in the very
 * form that the gateway compares with, or is `Refused`.
 */
export function demandHeard(asked: readonly Channel[], onRecord: readonly Channel[]): void {
  if (sendersIn(asked) > sendersIn(onRecord)) demandFewSenders(asked);
  for (const each of asked) {
    const before = onRecord.find(({ kind }) => kind === each.kind);
    const stays = before?.pairSenders === each.pairSenders;
    if (stays && before?.allowFrom.join('\n') === each.allowFrom.join('\n')) continue;
    const meant = sendersOf(each);
    if (meant.join('\n') === each.allowFrom.join('\n')) continue;
    throw new Refused(
      `channel ${each.kind}: allow_from must list each sender once and without a prefix: ${JSON.stringify(meant)}`,
    );
  }
}

/** `Refused` when channels name more senders than a record has room for; during a change it holds several copies. */
export function demandFewSenders(channels: readonly Channel[]): void {
  const count = sendersIn(channels);
  if (count <= sendersLength) return;
  throw new Refused(
    `allow_from names ${count} senders in all channels together: a gateway takes ${sendersLength} at most`,
  );
}

function sendersIn(channels: readonly Channel[]): number {
  return channels.reduce((sum, { allowFrom }) => sum + allowFrom.length, 0);
}

/**
 * What is wrong with the channels of a spec that an older creel accepted; each names the sender, and how to find the
 * right form.
 */
export function channelFaults(channels: readonly Channel[]): string[] {
  const named = channels.filter(({ allowFrom, pairSenders }) => !pairSenders || allowFrom.length > 0);
  return named.flatMap(({ kind, allowFrom }) => findSenderFault(kind, allowFrom) ?? []);
}

/**
 * A channel as it is stored, or `Refused`: its kind, exactly the secrets it needs, each by reference, and a list of
 * senders.
 */
export function channel(raw: unknown): Channel {
  const given = raw as Partial<Channel> | null;
  const kind = given?.kind;
  if (typeof kind !== 'string' || !Object.hasOwn(tokenForms, kind)) {
    throw new Refused(`channel ${JSON.stringify(kind)} is unknown: ${Object.keys(tokenForms).join(', ')}`);
  }
  const wanted = Object.keys(tokenForms[kind]);
  const secrets = given?.secrets ?? {};
  const keys = Object.keys(secrets);
  if (isLinked(kind) && keys.length > 0) throw new Refused(`channel ${kind} takes no token: a phone is linked to it`);
  if (wanted.length !== keys.length || wanted.some((key) => !keys.includes(key))) {
    throw new Refused(
      `channel ${kind} needs ${wanted.map(writtenKey).join(' and ')}, each as "secret:NAME" (store it with \`creel secret set NAME\`)`,
    );
  }
  for (const [key, reference] of Object.entries(secrets)) {
    if (!isReference(reference)) {
      throw new Refused(
        `channel ${kind}: ${writtenKey(key)} must be a reference "secret:NAME", not the value itself. Store it with \`creel secret set NAME\``,
      );
    }
  }
  const allowFrom = given?.allowFrom ?? [];
  if (!Array.isArray(allowFrom) || allowFrom.some((each) => typeof each !== 'string' || each === '' || each === '*')) {
    throw new Refused(
      `channel ${kind}: allow_from must list the senders who may talk to the gateway; "*" (an open channel) is refused`,
    );
  }
  return { kind, secrets, allowFrom, ...pairsSenders(kind, given?.pairSenders) };
}

function pairsSenders(kind: ChannelKind, raw: unknown): Pick<Channel, 'pairSenders'> {
  if (raw === undefined || raw === false) return {};
  if (raw === true) return { pairSenders: true };
  throw new Refused(`channel ${kind}: pair_senders is ${JSON.stringify(raw)}: it must be true or false`);
}

/** Checks a channel's secret against its form (S4-32). The message shows the form, never the value. */
export function checkToken(kind: ChannelKind, key: string, value: string): void {
  const expected = wrongForm(kind, key, value);
  if (expected !== undefined) {
    throw new Refused(
      `channel ${kind}: the stored ${writtenKey(key)} does not look like one (expected ${expected}). Store it again with \`creel secret set\``,
    );
  }
}

/** How the token of a channel looks, where this is none; undefined where it is one. */
export function wrongForm(kind: ChannelKind, key: string, value: string): string | undefined {
  const forms: Record<string, { form: RegExp; example: string }> = tokenForms[kind];
  const expected = forms[key];
  return expected && !expected.form.test(value) ? expected.example : undefined;
}
