import { setTimeout as after } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { list } from '../client/gateways.js';
import type { KnownEngine } from '../domain/hosts/whereabouts.js';
import { counted } from '../domain/amounts.js';

/** What a worker examines when it begins to serve an engine. */
export type Surroundings = {
  readonly engine: string;
  readonly findEngines: () => Promise<readonly KnownEngine[]>;
  /** The gateways that stand on an engine. */
  readonly gatewaysOn: (engine: string) => Promise<readonly string[]>;
  /** How long a worker that has just ended still counts as present. */
  readonly lingerMs: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
};

/** How many names one log line shows. */
const shown = 10;

/**
 * Warns which gateways stand on engines that no worker serves, as seen by a worker that begins to serve another engine:
 * a person who has pointed it elsewhere learns that at once. The other machine may just as well be down, so the worker
 * goes on. Most often that worker is this very one, which has just ended there and still counts as present: so it looks
 * once more, and says nothing twice.
 */
export async function warnOfUnserved(around: Surroundings): Promise<void> {
  const said = new Set<string>();
  await warnOnce(around, said);
  await after(around.lingerMs, undefined, { signal: around.signal });
  await warnOnce(around, said);
}

/** The gateways on an engine that are not removed, as visibility has them. */
export async function gatewaysOn(client: Client, engine: string): Promise<string[]> {
  const gateways: string[] = [];
  for await (const { gateway, phase } of list(client, `GatewayHost = '${engine}'`))
    if (phase !== 'removed') gateways.push(gateway);
  return gateways;
}

async function warnOnce({ engine, findEngines, gatewaysOn: standing, log }: Surroundings, said: Set<string>) {
  const others = (await findEngines()).filter((each) => each.engine !== engine && !each.attended);
  for (const other of others.filter((each) => !said.has(each.engine))) {
    const gateways = await standing(other.engine);
    if (gateways.length === 0) continue;
    said.add(other.engine);
    const rest = gateways.length > shown ? ` and ${gateways.length - shown} more` : '';
    log.error(
      { serves: engine, engine: other.engine, host: other.host, gateways: gateways.length },
      `engine ${other.engine} (${other.host}), beside which no worker stands, holds ${counted(gateways.length, 'gateway')}: ${gateways.slice(0, shown).join(', ')}${rest}. This worker serves engine ${engine}. If CREEL_DOCKER was pointed elsewhere, point it back; see docs/runbook.md#another-engine`,
    );
  }
}
