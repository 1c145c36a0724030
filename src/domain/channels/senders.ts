import { Refused } from '../errors.js';
import { sendersMost } from '../thresholds.js';

type SenderForm = {
  /**
   * The form the gateway compares with: it accepts any other silently, and matches nobody (openclaw-models-channels
   * 20).
   */
  readonly form: RegExp;
  readonly prefix: RegExp;
  readonly what: string;
  readonly find: string;
};

/** S4-40: how each kind of channel identifies a person. */
const forms = {
  telegram: {
    form: /^[1-9]\d{0,15}$/,
    prefix: /^(?:telegram|tg):/i,
    what: 'a numeric user id, for example "5550001"',
    find: 'they write to @userinfobot in Telegram, which answers with it',
  },
  discord: {
    form: /^[1-9]\d{16,19}$/,
    prefix: /^discord:/i,
    what: 'a user id of 17 to 20 digits, for example "123456789012345678"',
    find: 'switch on Settings > Advanced > Developer Mode in Discord, then right-click them and choose Copy User ID',
  },
  slack: {
    form: /^[UW][A-Z0-9]{7,19}$/,
    prefix: /^slack:/i,
    what: 'a member id, for example "U012AB3CD"',
    find: 'open their profile in Slack, then the menu of three dots, and choose Copy member ID',
  },
  whatsapp: {
    form: /^\+[1-9]\d{6,14}$/,
    prefix: /^whatsapp:/i,
    what: 'a telephone number with + and its country, without spaces, for example "+15551234567"',
    find: 'open their contact in WhatsApp, which shows the number',
  },
} as const satisfies Record<string, SenderForm>;

type Kind = keyof typeof forms;

/**
 * Senders as people write them, in the form the gateway compares with: trimmed, without the channel's own prefix, each
 * once. `Refused` when there is none, when there are too many, or when one is no id of this kind, with how to find it
 * out.
 */
export function sendersFrom(kind: Kind, raw: readonly string[]): string[] {
  const { form, prefix } = forms[kind];
  const meant = raw.map((each) => each.trim().replace(prefix, '').trim());
  const wrong = meant.findIndex((each) => !form.test(each));
  if (wrong >= 0) throw new Refused(noId(kind, raw[wrong] ?? ''));
  const each = [...new Set(meant)];
  if (each.length === 0) throw new Refused(nobody(kind));
  if (each.length > sendersMost)
    throw new Refused(`channel ${kind}: allow_from names ${each.length} senders, more than ${sendersMost}`);
  return each;
}

/** What keeps a spec's senders from being heard, as an older creel's spec may have it; undefined when nothing does. */
export function findSenderFault(kind: Kind, senders: readonly string[]): string | undefined {
  if (senders.length === 0) return nobody(kind);
  const wrong = senders.find((each) => !forms[kind].form.test(each.replace(forms[kind].prefix, '')));
  return wrong === undefined ? undefined : noId(kind, wrong);
}

/** Whether a sender means everybody, in any disguise: such a sender is never written into a config. */
export function isEverybody(sender: string): boolean {
  return /^(?:[a-z]+:)*\*$/i.test(sender.replaceAll(/\s/g, ''));
}

function noId(kind: Kind, sender: string): string {
  const { what, find } = forms[kind];
  const shown = JSON.stringify(sender.slice(0, 60));
  if (isEverybody(sender))
    return `channel ${kind}: allow_from ${shown} would let everybody in, which is refused. Each sender is ${what}. To find it: ${find}`;
  return `channel ${kind}: allow_from ${shown} is not ${what}: nobody would be heard, because a name never matches. To find it: ${find}`;
}

function nobody(kind: Kind): string {
  const { what, find } = forms[kind];
  return `channel ${kind}: allow_from names nobody, so nobody could talk to the gateway. Name at least one sender: ${what}. To find it: ${find}`;
}
