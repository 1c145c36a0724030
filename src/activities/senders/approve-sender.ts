import {
  describeSender,
  dmPolicy,
  isSender,
  senderWith,
  type Sender,
  type SenderBook,
  type WaitingSender,
} from '../../domain/channels/paired-senders.js';
import {
  mayBeForgotten,
  readSenderNotes,
  senderNotesFile,
  withSenderNote,
  type SenderNote,
} from '../../domain/channels/sender-notes.js';
import type { SenderPairing } from '../../domain/changes/sender-pairing.js';
import { NotYet, Refused } from '../../domain/errors.js';
import type { Changing } from '../../domain/gateway/changing.js';
import { stateDirectory } from '../../domain/gateway/config.js';
import { plain } from '../../domain/heard.js';
import type { JsonObject } from '../../domain/json.js';
import { senderCharacters } from '../../domain/thresholds.js';
import type { Deps } from '../../world/deps.js';
import { ownFile } from '../parts/config/written.js';
import { containerOf } from '../parts/container/container.js';
import { openSession } from '../parts/door/operator.js';
import { configOf, visitBook } from './book.js';

/** Names the sender who waits with the code, in a channel that lets senders in by one; `Refused` when nobody does. */
export async function probeWaitingSender(deps: Deps, gateway: Changing<SenderPairing>): Promise<string> {
  const config = await configOf(deps, gateway);
  const book = await visitBook(deps, gateway, config);
  const note = await noteOf(deps, gateway);
  const sender = note ?? senderWith(book, gateway.change);
  demandPairing(gateway, config, sender);
  return `${describeSender(sender)} waits with code ${gateway.change.code}`;
}

/**
 * Admits the sender who waits with the code. Whom that is, is remembered before: a code that was approved names nobody,
 * and this must know whom it has let in, done again or taken back.
 */
export async function ensureSender(deps: Deps, gateway: Changing<SenderPairing>): Promise<string> {
  const { code } = gateway.change;
  const config = await configOf(deps, gateway);
  const book = await visitBook(deps, gateway, config);
  const sender =
    (await noteOf(deps, gateway)) ?? (await remember(deps, gateway, senderWith(book, gateway.change), book));
  demandPairing(gateway, config, sender);
  const { channel, account } = sender;
  const then = holds(book, sender)
    ? book
    : await visitBook(deps, gateway, config, { kind: 'approve', channel, account, code });
  if (!holds(then, sender))
    throw new Refused(
      `the gateway did not take code ${code} of ${describeSender(sender)}: it expired just now, or somebody turned it down. Have them write to the bot again`,
    );
  return `${describeSender(sender)} is admitted by code ${code}`;
}

/** Takes out whom this pairing has let in; one who was in before stays. */
export async function removeSender(deps: Deps, gateway: Changing<SenderPairing>): Promise<string> {
  const text = await memoryOf(deps, gateway);
  const note = noteIn(text, gateway);
  if (!note && mayBeForgotten(text, gateway.change.since)) throw forgotten(gateway);
  if (!note) return 'nobody was let in';
  const who = describeSender(note);
  if (note.wasIn) return `${who} was let in before, and stays`;
  const { channel, account, id } = note;
  const config = await configOf(deps, gateway);
  if (holds(await visitBook(deps, gateway, config, { kind: 'remove', channel, account, id }), note))
    throw new NotYet(`${who} is admitted again while it is taken back`);
  return `${who} is admitted no more, and gets another code when they write again`;
}

/** Proves that the gateway serves, and that the sender is in its book and would be heard. */
export async function probeSender(deps: Deps, gateway: Changing<SenderPairing>): Promise<string> {
  const config = await configOf(deps, gateway);
  const note = await noteOf(deps, gateway);
  if (!note) throw new Refused('what was let in is not remembered: the state is another one, or somebody edited it');
  demandPairing(gateway, config, note);
  if (!holds(await visitBook(deps, gateway, config), note))
    throw new Refused(`${describeSender(note)} is not admitted any more: somebody took it back`);
  (await openSession(deps, gateway)).close();
  return `${describeSender(note)} is in the gateway's book, and heard from their next message on`;
}

/** `Refused` where nobody is heard for having been let in by a code. */
function demandPairing({ mark }: Changing<SenderPairing>, config: JsonObject, sender: Sender): void {
  if (approvesByItself.includes(sender.channel))
    throw new Refused(
      `channel ${sender.channel} notes another name for whom it lets in, which creel does not know: approve ${plain(sender.id, senderCharacters)} in the Control UI (\`creel open ${mark.gateway}\`), under Channels`,
    );
  const policy = dmPolicy(config, sender);
  if (policy === 'pairing') return;
  throw new Refused(
    `channel ${sender.channel} hears nobody for a code (its dm policy is ${JSON.stringify(policy)}). Name ${plain(sender.id, senderCharacters)} in allow_from with \`creel change ${mark.gateway} --channels\`, or write pair_senders = true there`,
  );
}

/** Channels whose approval is more than a note of the sender's id: an id in their book lets nobody in. */
const approvesByItself: readonly string[] = ['reef'];

function holds({ admitted }: SenderBook, sender: Sender): boolean {
  return admitted.some((each) => isSender(each, sender));
}

async function noteOf(deps: Deps, gateway: Changing<SenderPairing>): Promise<SenderNote | undefined> {
  return noteIn(await memoryOf(deps, gateway), gateway);
}

function noteIn(text: string | undefined, { change }: Changing<SenderPairing>): SenderNote | undefined {
  return readSenderNotes(text).find(({ since }) => since === change.since);
}

async function memoryOf(deps: Deps, gateway: Changing<SenderPairing>): Promise<string | undefined> {
  const { id } = await containerOf(deps, gateway);
  return deps.engineAt(gateway.place).readFile(id, `${stateDirectory}/${senderNotesFile}`);
}

function forgotten({ mark, change }: Changing<SenderPairing>): Refused {
  const id = mark.gateway;
  return new Refused(
    `whether code ${change.code} let somebody in is not remembered any more. \`creel devices ${id}\` lists who is let in, and \`creel unpair ${id} --sender\` takes out who should not be`,
  );
}

async function remember(
  deps: Deps,
  gateway: Changing<SenderPairing>,
  { channel, account, id }: WaitingSender,
  book: SenderBook,
): Promise<SenderNote> {
  const sender = { channel, account, id };
  const note = { since: gateway.change.since, ...sender, wasIn: holds(book, sender) };
  const container = await containerOf(deps, gateway);
  const text = withSenderNote(readSenderNotes(await memoryOf(deps, gateway)), note);
  await deps.engineAt(gateway.place).writeFiles(container.id, stateDirectory, [ownFile(senderNotesFile, text)]);
  return note;
}
