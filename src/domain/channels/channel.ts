import { Refused } from '../errors.js';
import { sendersLength } from '../thresholds.js';
import { findSenderFault, sendersFrom } from './senders.js';

/** A chat channel of a spec: where its secrets lie and who may talk to it. */
export type Channel = {
  readonly kind: ChannelKind;
  /** Secret references by config key, for example `{ botToken: 'secret:g42-telegram' }`. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly allowFrom: readonly string[];
};

export type ChannelKind = keyof typeof tokenForms;

/** S4-32: what a channel's tokens look like. The gateway itself accepts anything and reports it as running. */
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
} as const satisfies Record<string, Record<string, { form: RegExp; example: string }>>;

/** A key of a channel as `gateway.toml` has it: `bot_token`. */
export function writtenKey(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const referenceForm = /^secret:[a-z0-9][a-z0-9._-]{0,62}$/;

/** The name of a stored secret, or `Refused`. */
export function secretName(raw: unknown): string {
  if (typeof raw === 'string' && referenceForm.test(`secret:${raw}`)) return raw;
  throw new Refused(
    `secret name ${JSON.stringify(raw)} is malformed: 1 to 63 of a-z, 0-9, ".", "_" and "-". For example: g42-telegram`,
  );
}

/** A channel as somebody asks for it: like a stored one, and every sender in the form of its kind, or `Refused` with how to find it out. */
export function channelFrom(raw: unknown): Channel {
  const found = channel(raw);
  return { ...found, allowFrom: sendersFrom(found.kind, found.allowFrom) };
}

/**
 * Holds channels that are asked for against those on record, which stay as they are: any other must name its senders in the very
 * form that the gateway compares with, or is `Refused`.
 */
export function demandHeard(asked: readonly Channel[], onRecord: readonly Channel[]): void {
  if (sendersIn(asked) > sendersIn(onRecord)) demandFewSenders(asked);
  for (const each of asked) {
    const before = onRecord.find(({ kind }) => kind === each.kind);
    if (before && before.allowFrom.join('\n') === each.allowFrom.join('\n')) continue;
    const meant = sendersFrom(each.kind, each.allowFrom);
    if (meant.join('\n') === each.allowFrom.join('\n')) continue;
    throw new Refused(
      `channel ${each.kind}: allow_from must list each sender once and without a prefix: ${JSON.stringify(meant)}`,
    );
  }
}

/** `Refused` when channels name more senders than a record has room for, several times while it changes. */
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

/** What is wrong with the channels of a spec that an older creel took; each names the sender and how to find the right one. */
export function channelFaults(channels: readonly Channel[]): string[] {
  return channels.flatMap(({ kind, allowFrom }) => findSenderFault(kind, allowFrom) ?? []);
}

/** A channel as it is stored, or `Refused`: kind, exactly the secrets it needs, each by reference, and a list of senders. */
export function channel(raw: unknown): Channel {
  const given = raw as Partial<Channel> | null;
  const kind = given?.kind;
  if (typeof kind !== 'string' || !Object.hasOwn(tokenForms, kind)) {
    throw new Refused(`channel ${JSON.stringify(kind)} is unknown: ${Object.keys(tokenForms).join(', ')}`);
  }
  const wanted = Object.keys(tokenForms[kind]);
  const secrets = given?.secrets ?? {};
  const keys = Object.keys(secrets);
  if (wanted.length !== keys.length || wanted.some((key) => !keys.includes(key))) {
    throw new Refused(
      `channel ${kind} needs ${wanted.map(writtenKey).join(' and ')}, each as "secret:NAME" (store it with \`creel secret set NAME\`)`,
    );
  }
  for (const [key, reference] of Object.entries(secrets)) {
    if (typeof reference !== 'string' || !referenceForm.test(reference)) {
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
  return { kind, secrets, allowFrom };
}

/** Holds a channel's secret against its form (S4-32). The message carries the form, never the value. */
export function checkToken(kind: ChannelKind, key: string, value: string): void {
  const forms: Record<string, { form: RegExp; example: string }> = tokenForms[kind];
  const expected = forms[key];
  if (expected && !expected.form.test(value)) {
    throw new Refused(
      `channel ${kind}: the stored ${writtenKey(key)} does not look like one (expected ${expected.example}). Store it again with \`creel secret set\``,
    );
  }
}
