import { setTimeout as after } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { onMachines } from '../client/net/machines.js';
import { placeOn, type OnMachine } from '../domain/hosts/region.js';
import { machinesAtOnce } from '../domain/thresholds.js';
import type { HostProvider } from '../ports/host-provider.js';
import { RestartWatch } from './restart-watch.js';

export type MachineWatchParts = {
  readonly client: Client;
  readonly hosts: Pick<HostProvider, 'readHost'>;
  readonly paceMs: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
};

/**
 * Looks at the machines of gateways' own until the signal fires: one that was started again has its gateway proved. Every
 * worker that reaches machines does so; of several that see one start, the first is heard.
 */
export async function watchMachines({ client, hosts, paceMs, log, signal }: MachineWatchParts): Promise<void> {
  let watches = new Map<string, RestartWatch>();
  while (!signal.aborted) {
    try {
      const waiting = await readyOnes(client);
      const before = watches;
      watches = new Map(
        waiting.map(({ at, engine }) => [engine, before.get(engine) ?? watchOf({ client, log }, at, engine)]),
      );
      const lane = async () => {
        for (let next = waiting.shift(); next && !signal.aborted; next = waiting.shift()) {
          const { at, engine } = next;
          const facts = await hosts.readHost(placeOn(engine, at)).catch(() => undefined); // It does not answer: nothing began.
          if (facts) await watches.get(engine)?.see(facts);
        }
      };
      await Promise.all(Array.from({ length: machinesAtOnce }, lane));
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, 'the machines of gateways could not be listed; asking again');
    }
    await after(paceMs, undefined, { signal }).catch(() => undefined); // Checked by the loop.
  }
}

type Ready = OnMachine & { readonly engine: string };

async function readyOnes(client: Client): Promise<Ready[]> {
  const ready: Ready[] = [];
  for await (const { engine, ...each } of onMachines(client))
    if (each.phase === 'ready' && engine !== undefined) ready.push({ ...each, engine });
  return ready;
}

function watchOf({ client, log }: Pick<MachineWatchParts, 'client' | 'log'>, at: OnMachine['at'], engine: string) {
  return new RestartWatch({ client, engine, was: [], host: at.host ?? engine, at, log });
}
