import { z } from 'zod';
import { names, type Gateway } from '../domain/gateway.js';
import type { Deps } from './deps.js';

const configForm = z.object({ hash: z.string() });

/** Switches every channel of a running gateway on or off, from inside; false when it has none. */
export async function switchChannels(deps: Deps, gateway: Gateway, enabled: boolean): Promise<boolean> {
  const { mark, place, spec } = gateway;
  if (spec.channels.length === 0) return false;
  const token = deps.keys.token(gateway);
  const inside = { place, container: names(mark).container, token };
  const channels = Object.fromEntries(spec.channels.map(({ kind }) => [kind, { enabled }]));
  const read = await deps.door.callInside(inside, [{ method: 'config.get', params: {} }]);
  const answer = read.kind === 'open' ? read.answers[0] : undefined;
  if (!answer?.ok) throw new Error(`the config of ${mark.gateway} could not be read to switch its channels`);
  const { hash } = configForm.parse(answer.payload);
  deps.signal()?.throwIfAborted();
  const params = { baseHash: hash, raw: JSON.stringify({ channels }) };
  const patched = await deps.door.callInside(inside, [{ method: 'config.patch', params }]);
  const end = patched.kind === 'open' ? patched.answers[0] : undefined;
  if (end?.ok) return true;
  throw new Error(`the channels of ${mark.gateway} could not be switched: ${end?.message ?? patched.kind}`);
}
