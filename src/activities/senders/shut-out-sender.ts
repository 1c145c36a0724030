import { channelsIn, describeSender, isInConfig, type Sender } from '../../domain/channels/paired-senders.js';
import type { SenderRemoval } from '../../domain/changes/sender-pairing.js';
import { NotYet, Refused } from '../../domain/errors.js';
import type { Changing } from '../../domain/gateway/changing.js';
import type { JsonObject } from '../../domain/json.js';
import type { Deps } from '../../world/deps.js';
import { openSession } from '../parts/door/operator.js';
import { configOf, visitBook } from './book.js';

/** Refuses to take back what was never given, and what only a change of channels can take. */
export async function probeAdmitted(deps: Deps, gateway: Changing<SenderRemoval>): Promise<string> {
  const { change, mark } = gateway;
  const config = await configOf(deps, gateway);
  const book = await visitBook(deps, gateway, config);
  const admitted = meant(book.admitted, change);
  if (admitted.length > 0) return `${admitted.map(describeSender).join('; ')} was let in by a code`;
  const named = channelsIn(config).filter((channel) => isNamed(config, change, channel));
  if (named.length > 0)
    throw new Refused(
      `sender ${change.sender} was not let in by a code: allow_from of channel ${named.join(', ')} names them. \`creel change ${mark.gateway} --channels\` without them takes them out`,
    );
  const [waits] = meant(book.waiting, change);
  throw new Refused(
    waits
      ? `${describeSender(waits)} waits and was not let in: there is nothing to take back, and their code is gone within an hour`
      : `sender ${change.sender} was not let in by a code${change.channel === undefined ? '' : ` in channel ${change.channel}`}. \`creel devices ${mark.gateway}\` lists those there are`,
  );
}

/** Takes the sender out of the gateway's book, wherever they are meant. */
export async function ensureSenderShutOut(deps: Deps, gateway: Changing<SenderRemoval>): Promise<string> {
  const config = await configOf(deps, gateway);
  const found = meant((await visitBook(deps, gateway, config)).admitted, gateway.change);
  for (const { channel, account, id } of found)
    await visitBook(deps, gateway, config, { kind: 'remove', channel, account, id });
  if (found.length === 0) return `sender ${gateway.change.sender} is in no book of the gateway`;
  return `${found.map(describeSender).join('; ')} taken out`;
}

/** Proves that the sender is in no book any more, and says who hears them all the same. */
export async function probeSenderShutOut(deps: Deps, gateway: Changing<SenderRemoval>): Promise<string> {
  const { change } = gateway;
  const config = await configOf(deps, gateway);
  const left = meant((await visitBook(deps, gateway, config)).admitted, change);
  if (left.length > 0) throw new NotYet(`${left.map(describeSender).join('; ')} was let in again meanwhile`);
  (await openSession(deps, gateway)).close();
  const named = channelsIn(config).filter((channel) => isNamed(config, change, channel));
  const stays =
    named.length === 0
      ? 'not heard any more, and has to ask again'
      : `still heard, because allow_from of channel ${named.join(', ')} names them`;
  return `sender ${change.sender} is in no book of the gateway: ${stays}`;
}

function meant<S extends Sender>(senders: readonly S[], change: SenderRemoval): S[] {
  const { sender, channel } = change;
  return senders.filter((each) => each.id === sender && (channel === undefined || each.channel === channel));
}

function isNamed(config: JsonObject, change: SenderRemoval, channel: string): boolean {
  if (change.channel !== undefined && change.channel !== channel) return false;
  return isInConfig(config, { channel, id: change.sender });
}
