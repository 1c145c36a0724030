import { Refused } from '../../domain/errors.js';
import { names, type Gateway } from '../../domain/gateway/gateway.js';
import { plain } from '../../domain/heard.js';
import { seal } from '../../domain/keys/seal.js';
import { callerCharacters } from '../../domain/thresholds.js';
import type { Deps } from '../../world/deps.js';
import { containerOf } from '../parts/container/container.js';
import { configText } from '../parts/config/config.js';
import { lifeOnRecord } from '../parts/life-on-record.js';
import { networkOf } from '../parts/network.js';
import { driftOf, sentences } from '../parts/config/owned.js';

/**
 * A one-time link to the Control UI, already paired as owner, sealed so that only the caller's key opens it. The audit
 * log names who asked before the link is made; an older caller does not say.
 */
export async function mintLink(
  deps: Deps,
  asked: {
    gateway: Gateway;
    recipient: string;
    who?: string;
  },
): Promise<{ sealed: string; expiresAt: string }> {
  const life = await lifeOnRecord(deps, asked.gateway);
  const { mark, place, tokenGeneration: generation } = life;
  const { gateway, birth } = mark;
  const { port } = await networkOf(deps, life);
  await demandDirect(deps, life);
  const who = plain(asked.who ?? 'unknown', callerCharacters);
  const keyId = deps.keys.of(life).id;
  const at = new Date().toISOString();
  await deps.audit.append({
    at,
    who,
    gateway,
    birth,
    generation,
    keyId,
    what: 'link made',
    given: 'an owner’s link',
  });
  const inside = { place, container: names(mark).container, token: deps.keys.token(life) };
  const { url, expiresAt } = await deps.door.mintLink(inside, { place, port });
  return { sealed: await seal(asked.recipient, url, `creel open ${gateway}`), expiresAt };
}

/** `Refused` when a link to the published port is useless because the gateway turns away visitors without a proxy. */
async function demandDirect(deps: Deps, gateway: Gateway): Promise<void> {
  const text = await configText(deps, gateway, await containerOf(deps, gateway));
  const found = (await driftOf(deps, gateway, text)).filter(({ kind }) => kind === 'noted');
  if (found.length > 0)
    throw new Refused(
      `no link of gateway ${gateway.mark.gateway} would open: ${sentences(found)}. See docs/runbook.md#config-taken-over`,
    );
}
