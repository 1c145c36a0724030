import { Refused } from '../../domain/errors.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { plain } from '../../domain/heard.js';
import { seal } from '../../domain/keys/seal.js';
import { callerCharacters } from '../../domain/thresholds.js';
import type { Deps } from '../../world/deps.js';
import { lifeOnRecord } from '../parts/life-on-record.js';

/**
 * The gateway token in force according to the record, sealed so that only the caller's key opens it. The audit log
 * notes first who asked, and whether it was given. A caller who means another generation is `Refused`.
 */
export async function revealToken(
  deps: Deps,
  asked: { gateway: Gateway; recipient: string; who: string },
): Promise<string> {
  const { gateway: id, birth } = asked.gateway.mark;
  const { tokenGeneration: generation } = asked.gateway;
  const life = await lifeOnRecord(deps, asked.gateway);
  const isMeant = generation === life.tokenGeneration;
  await deps.audit.append({
    at: new Date().toISOString(),
    who: plain(asked.who, callerCharacters),
    gateway: id,
    birth,
    generation,
    keyId: deps.keys.of(life).id,
    what: isMeant ? 'token shown' : 'token asked for',
    given: isMeant ? life.tokenGeneration : 'nothing',
  });
  if (!isMeant)
    throw new Refused(
      `gateway ${id} is at token generation ${life.tokenGeneration}, and ${generation} was asked for: ask again`,
    );
  return seal(asked.recipient, deps.keys.token(life), `creel token show ${id}`);
}
