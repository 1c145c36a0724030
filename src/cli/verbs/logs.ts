import { once } from 'node:events';
import { Option } from '@commander-js/extra-typings';
import { ask } from '../../client/gateways.js';
import { readLog, type LogRead } from '../../client/read-log.js';
import { demandLiving } from '../../client/serving.js';
import { tokenForms, type ChannelKind } from '../../domain/channels/channel.js';
import { Refused } from '../../domain/errors.js';
import { gatewayId } from '../../domain/gateway/gateway.js';
import { logRingLines, logTailLines } from '../../domain/thresholds.js';
import { sinceFrom } from '../since.js';
import type { LogRequest } from '../../wire/log.js';
import { Ended, exits } from '../exit.js';
import { jsonLines, plainLines } from '../show/log-lines.js';
import { verb, withTemporal } from '../verb.js';
import { origin } from './provision.js';

const channelKinds = Object.keys(tokenForms) as ChannelKind[];

/**
 * `creel logs`: what a gateway says, through its worker. Each piece is asked for when the one before has been written, so
 * that a slow reader makes the worker wait and nothing else.
 */
export function logsCommand() {
  return verb('logs', 'show what a gateway logs; who reads is written down', [
    'creel logs g42',
    'creel logs g42 -f --tail 20',
    'creel logs g42 --since 2h --channel telegram',
    'creel logs g42 --since 2026-11-28T08:00:00Z --json | jq -r .text',
  ])
    .argument('<id>', 'gateway id')
    .option('-f, --follow', 'go on with what it says from now on, until Ctrl-C')
    .option('--since <when>', 'nothing older: a duration (2h, "3 days") or a time (2026-11-28T08:00:00Z)')
    .option(
      '--tail <lines>',
      `the last so many lines, up to ${logRingLines}; default ${logTailLines}, all with --since`,
    )
    .addOption(new Option('--channel <kind>', 'only what is about this channel').choices(channelKinds))
    .action(async (rawId, options) => {
      const id = gatewayId(rawId);
      const asked = requestFrom(options);
      await withTemporal(options, async (client) => {
        const life = demandLiving(await ask(client, id));
        await untilInterrupted(async (over) => {
          for await (const read of readLog(client, { gateway: life, who: origin(), asked }, over))
            await show(id, read, options.json === true);
        });
      });
    });
}

/** Ctrl-C ends the reading, also at the worker. */
async function untilInterrupted(read: (over: AbortSignal) => Promise<void>): Promise<void> {
  const over = new AbortController();
  const interrupt = () => over.abort();
  process.once('SIGINT', interrupt);
  try {
    await read(over.signal);
  } catch (error) {
    throw over.signal.aborted ? new Ended('', exits.interrupted) : error;
  } finally {
    process.off('SIGINT', interrupt);
  }
}

type Options = { follow?: true; since?: string; tail?: string; channel?: ChannelKind };

function requestFrom({ follow, since, tail, channel }: Options): LogRequest {
  const lines = tail === undefined ? (since === undefined ? logTailLines : undefined) : linesFrom(tail);
  return {
    follow: follow === true,
    ...(lines !== undefined && { tail: lines }),
    ...(since !== undefined && { since: sinceFrom(since, Date.now()) }),
    ...(channel !== undefined && { channel }),
  };
}

function linesFrom(tail: string): number {
  const lines = /^\d+$/.test(tail) ? Number(tail) : Number.NaN;
  if (lines <= logRingLines) return lines;
  throw new Refused(
    `--tail ${JSON.stringify(tail)} is no number of lines up to ${logRingLines}. For all that its engine still has, say since when: --since "30 days"`,
  );
}

async function show(id: string, read: LogRead, json: boolean): Promise<void> {
  if (json) return print(process.stdout, jsonLines(id, read));
  const { before, text, after } = plainLines(id, read);
  await print(process.stderr, before);
  await print(process.stdout, text);
  await print(process.stderr, after);
}

/** Returns when the stream has room again: only then the next piece is asked for. */
async function print(stream: NodeJS.WriteStream, lines: readonly string[]): Promise<void> {
  if (lines.length > 0 && !stream.write(lines.map((line) => `${line}\n`).join(''))) await once(stream, 'drain');
}
