import { z } from 'zod';
import type { SenderBook } from '../../domain/channels/paired-senders.js';
import { Refused } from '../../domain/errors.js';
import { senderCharacters } from '../../domain/thresholds.js';

/**
 * Runs in the container: works on the gateway's book of chat senders by the release's own functions, under the release's
 * own locks, as its command line does beside a running gateway. Not by that command line itself, because its `approve`
 * makes the first sender the owner of the gateway's commands, and nothing of it takes an approval back. Newer releases
 * keep the book in their database, older ones in files. Reads without dropping what has expired. Nothing is done after
 * the limit, when nobody listens any more.
 */
export const sendersScript = `
import { existsSync, readdirSync, readFileSync } from 'node:fs';
const dist = '/app/dist/';
let input = '';
process.stdin.setEncoding('utf8');
for await (const chunk of process.stdin) input += chunk;
const { channels, deed, limitMs } = JSON.parse(input);
const say = (said) => process.stdout.write('\\n' + JSON.stringify(said) + '\\n', () => process.exit(0));
const parts = readdirSync(dist).filter((name) => /^pairing-store-[\\w-]+\\.m?js$/.test(name));
async function own(wanted) {
  for (const name of parts) {
    const exported = [...readFileSync(dist + name, 'utf8').matchAll(/export\\s*\\{([^}]*)\\}/g)];
    for (const each of exported.flatMap(([, list]) => list.split(','))) {
      const [, from, as] = /^\\s*([\\w$]+)(?:\\s+as\\s+([\\w$]+))?\\s*$/.exec(each) ?? [];
      if (from === wanted) return (await import(dist + name))[as ?? from];
    }
  }
}
const account = (raw) => String(raw ?? '').trim().toLowerCase() || 'default';
const state = process.env.OPENCLAW_STATE_DIR ?? '/home/node/.openclaw';
function fromFiles(channel) {
  const kept = state + '/credentials/';
  const read = (name) => {
    try { return JSON.parse(readFileSync(kept + name, 'utf8')); } catch { return {}; }
  };
  const allowFrom = {};
  for (const name of existsSync(kept) ? readdirSync(kept) : []) {
    if (!name.startsWith(channel + '-') || !name.endsWith('-allowFrom.json')) continue;
    const of = account(name.slice(channel.length + 1, -'-allowFrom.json'.length));
    allowFrom[of] = [...(allowFrom[of] ?? []), ...(read(name).allowFrom ?? [])];
  }
  return { requests: read(channel + '-pairing.json').requests ?? [], allowFrom };
}
const inDatabase = await own('readChannelPairingState');
const approve = await own('approveChannelPairingCode');
const remove = await own('removeChannelAllowFromStoreEntry');
if (!approve || !remove) say({ unknown: true });
else {
  const { channel, account: accountId, code, id: entry } = deed;
  if (performance.now() > limitMs) process.exit(1);
  if (deed.kind === 'approve') await approve({ channel, code, accountId });
  if (deed.kind === 'remove') {
    await remove({ channel, entry, accountId });
    if (accountId === 'default') await remove({ channel, entry });
  }
  const book = { now: Date.now(), waiting: [], admitted: [] };
  for (const channel of channels) {
    const { requests, allowFrom } = inDatabase ? inDatabase(channel, process.env) : fromFiles(channel);
    for (const { id, code, createdAt, meta = {} } of requests) {
      const { accountId, senderId, ...said } = meta;
      const askedAtMs = Date.parse(createdAt);
      book.waiting.push({ channel, account: account(accountId), id, code, name: Object.values(said).join(' '), askedAtMs });
    }
    for (const [of, ids] of Object.entries(allowFrom ?? {}))
      for (const id of new Set(ids)) book.admitted.push({ channel, account: account(of), id: String(id) });
  }
  say(book);
}
`;

const sender = {
  channel: z.string().max(senderCharacters),
  account: z.string().max(senderCharacters),
  id: z.string().max(4 * senderCharacters),
};

const report = z.union([
  z.object({ unknown: z.literal(true) }),
  z.object({
    now: z.number(),
    waiting: z
      .array(z.object({ ...sender, code: z.string().max(senderCharacters), name: z.string(), askedAtMs: z.number() }))
      .max(10_000),
    admitted: z.array(z.object(sender)).max(100_000),
  }),
]);

/** The book that the script printed last. `Refused` where the release has none that is known, or it cannot be read. */
export function readBook(stdout: string): SenderBook {
  const read = report.safeParse(lastLine(stdout));
  if (!read.success) throw new Error('the script inside the container printed no book of senders');
  if ('unknown' in read.data)
    throw new Refused('this release keeps the senders who were told to pair in a way that creel does not know');
  return read.data;
}

function lastLine(stdout: string): unknown {
  try {
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  } catch {
    return undefined; // The caller judges that.
  }
}
