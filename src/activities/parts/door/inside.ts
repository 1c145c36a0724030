import { Refused } from '../../../domain/errors.js';
import { names, type Gateway } from '../../../domain/gateway/gateway.js';
import type { Secret } from '../../../domain/secret.js';
import { RpcError } from '../../../ports/gateway-door.js';
import type { Deps } from '../../../world/deps.js';
import type { Control } from './control.js';

/** Asks from inside the container, with a token that must be the one in force: any other is `Refused`. */
export function insideWith(deps: Deps, { place, mark }: Gateway, token: Secret): Control {
  const inside = { place, container: names(mark).container, token };
  const call: Control['call'] = async (method, params) => {
    const knock = await deps.door.callInside(inside, [{ method, params }]);
    if (knock.kind !== 'open') throw new Refused(`the token in openclaw.json is not in force (${knock.kind})`);
    const answer = knock.answers[0];
    if (answer?.ok) return answer.payload;
    throw new RpcError(answer?.code ?? 'NO_ANSWER', answer?.message ?? `${method} was not answered`);
  };
  return { call };
}
