import type { Client } from '@temporalio/client';
import type { Gateway } from '../domain/gateway/gateway.js';
import { NoWorker, TurnedDown } from './failure.js';
import { probeGateway } from './looks.js';

/** Whether a gateway is usable, as a probe has just found it. */
export type Usable = {
  readonly ok: boolean;
  readonly text: string;
  readonly runsOn?: string;
  /** What its state takes, where its spec says how much it may. */
  readonly stateBytes?: number;
  /** What is not as creel wants it, though it serves. */
  readonly findings?: readonly string[];
  /** No worker could look. */
  readonly unattended?: true;
};

/**
 * Probes a gateway now; `quiet` when it is one of many. A failed probe comes back as words: what is on record is worth
 * showing all the same.
 */
export async function lookWhetherUsable(client: Client, life: Gateway, quiet = false): Promise<Usable> {
  try {
    const {
      runsOn,
      version,
      operatorScopes,
      channels,
      stateBytes,
      findings = [],
    } = await probeGateway(client, life, quiet);
    const notRight = findings.map((finding) => `. Not right: ${finding}`).join('');
    const text = `release ${version}, ${operatorScopes.join(', ')}, channels: ${channels}${notRight}`;
    return {
      ok: true,
      text,
      ...(runsOn !== undefined && { runsOn }),
      ...(stateBytes !== undefined && { stateBytes }),
      ...(findings.length > 0 && { findings }),
    };
  } catch (error) {
    if (error instanceof NoWorker) return { ok: false, text: error.message, unattended: true };
    if (error instanceof TurnedDown) return { ok: false, text: error.message };
    throw error;
  }
}
