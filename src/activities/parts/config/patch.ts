import { z } from 'zod';
import { Refused } from '../../../domain/errors.js';
import { names, type Gateway } from '../../../domain/gateway/gateway.js';
import { Secret } from '../../../domain/secret.js';
import { configReadings } from '../../../domain/thresholds.js';
import { RpcError } from '../../../ports/gateway-door.js';
import type { Deps } from '../../../world/deps.js';

/** Asks the gateway one thing: from outside over a session, or inside. A refusal is an `RpcError`. */
export type Ask = (method: string, params: unknown) => Promise<unknown>;

/** A merge patch for the running config, and the lists in it that lose entries. */
export type ConfigPatch = { readonly raw: string; readonly replacePaths?: readonly string[] };

const configForm = z.object({ hash: z.string() });

/**
 * Puts a change into the running config. It is made anew from what the config says, and the config read again, when somebody
 * edits it meanwhile, three times at most. A patch of nothing asks for nothing.
 */
export async function patchConfig(
  deps: Deps,
  { mark }: Gateway,
  ask: Ask,
  make: () => Promise<ConfigPatch | undefined>,
): Promise<void> {
  for (let reading = 0; reading < configReadings; reading += 1) {
    const { hash } = configForm.parse(await ask('config.get', {}));
    const patch = await make();
    if (!patch) return;
    deps.signal()?.throwIfAborted();
    try {
      await ask('config.patch', { baseHash: hash, ...patch });
      return;
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (!error.message.includes('config changed since last load')) {
        throw new Refused(`gateway ${mark.gateway} refuses the new config: ${error.message}`, { cause: error });
      }
    }
  }
  throw new Refused(
    `the config of gateway ${mark.gateway} was edited by somebody else ${configReadings} times while it was changed. Ask again when they are done`,
  );
}

/** Asks inside the container, with the token that is in force. */
export function insideWith(deps: Deps, { place, mark }: Gateway, token: Secret): Ask {
  const inside = { place, container: names(mark).container, token };
  return async (method, params) => {
    const knock = await deps.door.callInside(inside, [{ method, params }]);
    if (knock.kind !== 'open') throw new Refused(`the token in openclaw.json is not in force (${knock.kind})`);
    const answer = knock.answers[0];
    if (answer?.ok) return answer.payload;
    throw new RpcError(answer?.code ?? 'NO_ANSWER', answer?.message ?? `${method} was not answered`);
  };
}
