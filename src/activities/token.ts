import type { Gateway } from '../domain/gateway.js';
import { seal } from '../domain/seal.js';
import type { Deps } from './deps.js';

/** The gateway token of the record, sealed so that only the caller's key opens it; that it was asked for is written down first. */
export const revealToken = (deps: Deps) =>
  async function revealToken(asked: { gateway: Gateway; recipient: string; who: string }): Promise<string> {
    const { mark, tokenGeneration: generation } = asked.gateway;
    const { gateway, birth } = mark;
    const at = new Date().toISOString();
    await deps.audit.append({
      at,
      who: asked.who,
      gateway,
      birth,
      generation,
      keyId: deps.keys.of(asked.gateway).id,
      what: 'token shown',
    });
    return seal(asked.recipient, deps.keys.token(asked.gateway), `creel token show ${gateway}`);
  };
