import type { SenderList } from '../../../domain/channels/paired-senders.js';
import { plain } from '../../../domain/heard.js';
import { nameCharacters } from '../../../domain/thresholds.js';
import { ago } from '../time-text.js';

/** The chat senders of a gateway as table rows: those who wait to be let in first, then those whom a code has let in. */
export function senderRows({ waiting, admitted }: SenderList, now: number): string[][] {
  return [
    ...waiting.map(({ channel, account, id, name, askedAtMs }) => [
      id,
      plain(name, nameCharacters),
      channel,
      account,
      `was told a code, ${ago(new Date(askedAtMs).toISOString(), now)}`,
    ]),
    ...admitted.map(({ channel, account, id }) => [id, '', channel, account, 'let in']),
  ];
}
