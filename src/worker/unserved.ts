import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { knownEngines } from '../client/engines.js';
import { list } from '../client/gateways.js';

/** Names in one line of the log. */
const shown = 10;

/**
 * Says which gateways stand on engines beside which no worker stands, as a worker sees it that begins to serve another one: whoever
 * pointed it elsewhere hears of it at once. That the other machine is only down is as likely, so it works all the same.
 */
export async function warnOfUnserved(client: Client, engine: string, log: Logger): Promise<void> {
  const others = (await knownEngines(client)).filter((each) => each.engine !== engine && !each.attended);
  for (const other of others) {
    const gateways: string[] = [];
    for await (const { gateway, phase } of list(client, `GatewayHost = '${other.engine}'`))
      if (phase !== 'removed') gateways.push(gateway);
    if (gateways.length === 0) continue;
    const rest = gateways.length > shown ? ` and ${gateways.length - shown} more` : '';
    log.error(
      { serves: engine, engine: other.engine, host: other.host, gateways: gateways.length },
      `${gateways.length} gateways stand on engine ${other.engine} (${other.host}), beside which no worker stands: ${gateways.slice(0, shown).join(', ')}${rest}. This worker serves engine ${engine}. If CREEL_DOCKER was pointed elsewhere, point it back; see docs/runbook.md#another-engine`,
    );
  }
}
