import { z } from 'zod';
import type { Changing } from '../../domain/gateway/changing.js';
import { Refused } from '../../domain/errors.js';
import { masked, plain } from '../../domain/heard.js';
import type { Pairing } from '../../domain/changes/pairing.js';
import { nameCharacters, pairingMismatches } from '../../domain/thresholds.js';
import { fingerprint } from '../../domain/keys/token-source.js';
import type { Session } from '../../ports/gateway-door.js';
import { configText } from '../parts/config/config.js';
import { readLog } from '../parts/door/control.js';
import { containerOf } from '../parts/container/container.js';
import type { Deps } from '../../world/deps.js';
import { sourcesOf } from '../rotate/check-rotation.js';

const logLine = z.object({ time: z.string(), message: z.string() });

/** How many are named at most: inventing a name costs a client nothing. */
const knockersNamed = 10;

/** The wrong tokens that a gateway has seen from outside since a pairing began, read from its growing log (S2-18). */
export class Mismatches {
  readonly #since: number;
  readonly #from = new Map<string, number>();
  #cursor: number | undefined;
  count = 0;

  constructor(since: number) {
    this.#since = since;
  }

  /** Reads what was added to the log. */
  async read(session: Session): Promise<void> {
    const { cursor, lines } = await readLog(session, this.#cursor);
    this.#cursor = cursor;
    for (const line of lines) this.#take(line);
  }

  /** Who used a wrong token, and how often, as the gateway saw it. */
  describe(): string {
    return [...this.#from].map(([who, times]) => `${times} from ${who}`).join(', ');
  }

  #take(line: string): void {
    const { time, message } = parse(line);
    if (!message.startsWith('unauthorized ') || !message.includes('reason=token_mismatch')) return;
    const remote = /\bremote=(\S+)/.exec(message)?.[1] ?? 'unknown';
    if (Date.parse(time) < this.#since || remote === '127.0.0.1' || remote === '::1') return;
    const client = /\bclient=(.{1,80}?) role=/.exec(message)?.[1] ?? 'unknown';
    const who = masked(`${plain(client, nameCharacters)} at ${plain(remote, nameCharacters)}`, []);
    if (this.#from.has(who) || this.#from.size < knockersNamed) this.#from.set(who, (this.#from.get(who) ?? 0) + 1);
    this.count += 1;
  }
}

/**
 * More than three wrong tokens suggest that somebody holds another token: inspects every place that can hold one, and
 * throws what it finds.
 */
export async function auditWhenTooMany(deps: Deps, gateway: Changing<Pairing>, seen: Mismatches): Promise<void> {
  if (seen.count <= pairingMismatches) return;
  const id = gateway.mark.gateway;
  const container = await containerOf(deps, gateway);
  const sources = await sourcesOf(deps, gateway, container, await configText(deps, gateway, container));
  const expected = fingerprint(deps.keys.of(gateway), deps.keys.token(gateway).reveal());
  const others = sources.filter((source) => source.fingerprint !== expected);
  const what =
    others.length > 0
      ? `the gateway itself holds another token than generation ${gateway.tokenGeneration} (${expected}): ${others.map(({ place, fingerprint: found }) => `${place} (${found})`).join(', ')}`
      : `the gateway holds generation ${gateway.tokenGeneration} and no other (${sources.length} places), so whoever knocks uses an old or foreign token`;
  throw new Refused(
    `${seen.count} wrong tokens while the device was waited for (${seen.describe()}): ${what}. Give the device the token in force, or use a link of \`creel open ${id}\`; see docs/runbook.md#token-mismatch`,
  );
}

/** A line that is not the gateway's own log yields nothing. */
function parse(line: string): z.infer<typeof logLine> {
  try {
    return logLine.parse(JSON.parse(line));
  } catch {
    return { time: '', message: '' };
  }
}
