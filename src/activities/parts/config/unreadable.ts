import { createHash } from 'node:crypto';
import { Refused } from '../../../domain/errors.js';
import { configFile, lastGoodFile, stateDirectory } from '../../../domain/gateway/config.js';
import { names, type Gateway } from '../../../domain/gateway/gateway.js';
import { parseObject, whyUnreadable } from '../../../domain/json.js';
import type { Container } from '../../../ports/docker-engine.js';
import type { Deps } from '../../../world/deps.js';

/** The text over which a config is written, and what was done with one that could not be read. */
export type Readable = { readonly text: string | undefined; readonly kept?: string };

/**
 * The config that a new one is written over. An unreadable text, on which the gateway would not start either, is still
 * the customer's: it is kept beside the config, and what the gateway last read without a complaint takes its place.
 */
export async function readableOf(
  deps: Deps,
  gateway: Gateway,
  writer: Container,
  text: string | undefined,
): Promise<Readable> {
  const why = whyUnreadable(text);
  if (text === undefined || why === undefined) return { text };
  const engine = deps.engineAt(gateway.place);
  const name = `${configFile}.unreadable-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
  await engine.writeFiles(writer.id, stateDirectory, [{ path: name, content: text, mode: 0o600, uid: 1000 }]);
  if ((await engine.readFile(writer.id, `${stateDirectory}/${name}`)) !== text)
    throw new Error(`${name} reads back otherwise than written`);
  const lastGood = await engine.readFile(writer.id, `${stateDirectory}/${lastGoodFile}`);
  const usable = parseObject(lastGood) ? lastGood : undefined;
  const over = usable ? `, with the settings of ${lastGoodFile}` : ', without any setting that was in it';
  return {
    text: usable,
    kept: `${configFile} could not be read (${why}): it lies beside as ${name}, and was written anew${over}`,
  };
}

/** `Refused` when a gateway's config cannot be read: nobody knows which token and settings it means. */
export function demandReadable({ mark }: Gateway, text: string | undefined): void {
  const why = whyUnreadable(text);
  if (why === undefined) return;
  throw new Refused(
    `${configFile} of gateway ${mark.gateway} (in volume ${names(mark).volume}) cannot be read: ${why}. The gateway does not start on it either. Mend it there, or put ${lastGoodFile}, which lies beside it, in its place, and ask again. See docs/runbook.md#config-unreadable`,
  );
}
