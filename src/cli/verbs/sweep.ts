import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { startSweep } from '../../client/net/sweep.js';
import { Refused } from '../../domain/errors.js';
import type { SweepInput, SweepResult } from '../../wire/sweep.js';
import { exits } from '../exit.js';
import { uiLink } from '../show/ui-link.js';
import { sweptText } from '../show/deployment/swept.js';
import { verb, withTemporal } from '../verb.js';

/** How often a sweep is asked how far it is. */
const paceMs = 1_000;

/** `creel sweep`: removes what no gateway owns, where its own record proves that, and reports the rest. */
export function sweepCommand() {
  return verb('sweep', 'remove what no gateway owns any more, by its own record, and report the rest', [
    'creel sweep --dry-run                  the plan: what would go, with the proof, and what is only reported',
    'creel sweep',
    'creel sweep --may-go 12                after one that halted, by somebody who has read its plan',
  ])
    .option('--dry-run', 'say what would go and what would be reported; nothing is touched')
    .option('--may-go <number>', 'so many things may go, and less may be there than the last time')
    .action(async (options) => {
      const input = { dryRun: options.dryRun === true, ...mayGo(options.mayGo) };
      await withTemporal(options, async (client, target) => {
        const json = options.json === true;
        const result = await followSweep(client, input, (workflowId) => {
          const ui = uiLink(target, workflowId);
          if (!json) process.stderr.write(`creel: ${workflowId}${ui === undefined ? '' : ` ${ui}`}\n`);
        });
        process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${sweptText(result)}\n`);
        process.exitCode = result.outcome === 'halted' ? exits.attention : exits.done;
      });
    });
}

/** Has a sweep done, says on standard error how far it is while it takes long, and answers its end. */
export async function followSweep(
  client: Client,
  input: SweepInput,
  begun: (workflowId: string) => void = () => undefined,
): Promise<SweepResult> {
  const { workflowId, says, end } = await startSweep(client, input);
  begun(workflowId);
  let said = '';
  for (;;) {
    const result = await Promise.race([end, sleep(paceMs)]);
    if (result) return result;
    const now = await Promise.race([end.then(() => ''), says()]);
    if (now !== '' && now !== said) process.stderr.write(`creel: ${now}\n`);
    said = now;
  }
}

function mayGo(text: string | undefined): Pick<SweepInput, 'mayGo'> {
  if (text === undefined) return {};
  if (/^\d{1,6}$/.test(text)) return { mayGo: Number(text) };
  throw new Refused(`--may-go ${JSON.stringify(text)} is not a number of things. For example: 12`);
}
