import { names, type Gateway } from '../domain/gateway.js';
import { seal } from '../domain/seal.js';
import type { Deps } from './deps.js';
import { networkOf } from './network.js';

/** A one-time link to the Control UI, already paired, sealed so that only the caller's key opens it. */
export const mintLink = (deps: Deps) =>
  async function mintLink(asked: {
    gateway: Gateway;
    recipient: string;
  }): Promise<{ sealed: string; expiresAt: string }> {
    const { mark, place } = asked.gateway;
    const { port } = await networkOf(deps, asked.gateway);
    const token = deps.keys.token(asked.gateway);
    const inside = { place, container: names(mark).container, token };
    const { url, expiresAt } = await deps.door.mintLink(inside, { place, port });
    return { sealed: await seal(asked.recipient, url, `creel open ${mark.gateway}`), expiresAt };
  };
