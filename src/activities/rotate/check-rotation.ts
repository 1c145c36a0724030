import type { Changing } from '../../domain/gateway/changing.js';
import { NotYet, Refused } from '../../domain/errors.js';
import { tokenIn } from '../../domain/gateway/config.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { readPrepared } from '../../domain/release/image.js';
import { findRelease } from '../../domain/release/release.js';
import { rotationWay, type RotationWay } from '../../domain/gateway/reload-way.js';
import { rotated, type Rotation } from '../../domain/changes/rotation.js';
import { Secret } from '../../domain/secret.js';
import { fingerprint, tokenSources, type TokenSource } from '../../domain/keys/token-source.js';
import type { Container } from '../../ports/docker-engine.js';
import { catalogueOf } from '../parts/catalogue.js';
import { configText } from '../parts/config/config.js';
import { containerOf } from '../parts/container/container.js';
import type { Deps } from '../../world/deps.js';
import { networkOf } from '../parts/network.js';
import { demandNewestKey } from '../parts/host/newest-key.js';
import { knockAsOperator, turnedAway } from '../parts/door/operator.js';
import { demandOwned } from '../parts/config/owned.js';
import { releaseImageOf } from '../parts/release.js';

/**
 * Refuses a rotation before anything is touched: the gateway runs and serves, its token has one source of truth (S1-6,
 * S2-7, S3-1), outside clients are not locked out, it is known how this release takes a new token, and the new token's
 * key is here and the newest.
 */
export async function probeRotatable(deps: Deps, gateway: Changing<Rotation>): Promise<string> {
  const [before, after] = [deps.keys.of(gateway), deps.keys.of(rotated(gateway))];
  await demandNewestKey(deps, rotated(gateway));
  const container = await containerOf(deps, gateway);
  if (container.state !== 'running') throw notServing(gateway, `its container does not run`);
  const config = await configText(deps, gateway, container);
  await demandOwned(deps, gateway, config);
  const sources = await sourcesOf(deps, gateway, container, config);
  const held = gateway.change.reclaim ? reclaimable(gateway, sources, config) : demandOneSource(deps, gateway, sources);
  await demandServing(deps, gateway, container, held);
  await demandUnlocked(deps, gateway, held);
  const way = await wayOf(deps, gateway, config);
  const places = `${sources.length} places hold ${gateway.change.reclaim ? 'a token' : `generation ${gateway.tokenGeneration}`}`;
  const keys = before.id === after.id ? `key ${after.id}` : `key ${before.id}, from now on ${after.id}`;
  return `serving, ${places} and no other, applied by ${way} (${keys})`;
}

/** How the gateway's release takes a new token. */
export async function wayOf(deps: Deps, gateway: Gateway, config: string | undefined): Promise<RotationWay> {
  const prepared = readPrepared(await releaseImageOf(deps, gateway));
  if (!prepared) throw new Refused(`the image of gateway ${gateway.mark.gateway} is not a prepared release`);
  const { release, dev } = gateway.spec;
  return rotationWay(prepared, findRelease(await catalogueOf(deps), release, dev), config);
}

/** Every place of a running gateway that can hold its token. */
export async function sourcesOf(
  deps: Deps,
  gateway: Gateway,
  container: Container,
  config: string | undefined,
): Promise<TokenSource[]> {
  const process = await deps.engineAt(gateway.place).findProcess(container.id);
  return tokenSources(deps.keys.of(gateway), {
    config,
    command: process?.command ?? [],
    environment: process?.environment ?? {},
  });
}

/** Demands that every place holds the token on record, and that a rotation can change all of them. */
function demandOneSource(deps: Deps, gateway: Gateway, sources: readonly TokenSource[]): Secret {
  const token = deps.keys.token(gateway);
  const expected = fingerprint(deps.keys.of(gateway), token.reveal());
  const others = sources.filter(({ place, fingerprint: found }) => found !== expected || !isOurs(place));
  if (others.length === 0 && sources.length > 0) return token;
  const named = others.map(({ place, fingerprint: found }) => `${place} (${found})`).join(', ');
  throw new Refused(
    `gateway ${gateway.mark.gateway} has more than one source of truth: generation ${gateway.tokenGeneration} (${expected}) is on record, and there is ${named || 'no token in its config'}. \`creel rotate ${gateway.mark.gateway} --reclaim\` makes the config the only one; see docs/runbook.md#token-mismatch`,
  );
}

/**
 * A reclaim starts from whatever the config says. What outranks or shadows the config cannot be reclaimed by changing
 * it.
 */
function reclaimable(gateway: Gateway, sources: readonly TokenSource[], config: string | undefined): Secret {
  const foreign = sources.filter(({ place }) => !isOurs(place));
  const held = tokenIn(config);
  if (foreign.length === 0 && held !== undefined) return new Secret(held);
  const named = foreign.map(({ place }) => place).join(', ') || 'no token in openclaw.json';
  throw new Refused(
    `gateway ${gateway.mark.gateway} cannot be reclaimed while it is running: ${named}. Stop the container and run \`creel provision ${gateway.mark.gateway}\`: it writes the token of the record`,
  );
}

function isOurs(place: string): boolean {
  return place.endsWith('openclaw.json');
}

async function demandServing(deps: Deps, gateway: Gateway, container: Container, held: Secret): Promise<void> {
  const knock = await deps.door.callInside({ place: gateway.place, container: container.name, token: held }, []);
  if (knock.kind !== 'open') throw notServing(gateway, `it turned its own operator away (${knock.kind})`);
  if (!knock.hello.scopes.includes('operator.admin')) throw notServing(gateway, 'it gives its operator no admin scope');
  if (knock.hello.version !== gateway.spec.release) {
    throw notServing(gateway, `it runs ${knock.hello.version}, on record is ${gateway.spec.release}`);
  }
}

/**
 * Waits out a lock-out, which ten wrong tokens impose on every outside client (T7): the proof from outside needs the
 * door open.
 */
async function demandUnlocked(deps: Deps, gateway: Changing<Rotation>, held: Secret): Promise<void> {
  const { port } = await networkOf(deps, gateway);
  const knock = gateway.change.reclaim
    ? await deps.door.knock({ place: gateway.place, port }, { token: held, device: undefined, scopes: [] })
    : await knockAsOperator(deps, gateway);
  if (knock.kind === 'open') return knock.session.close();
  if (knock.kind === 'locked out') {
    throw new NotYet(
      `gateway ${gateway.mark.gateway} has locked outside clients out after wrong tokens: somebody still uses an old one. It opens again after a minute`,
    );
  }
  throw turnedAway(gateway, knock);
}

function notServing(gateway: Gateway, why: string): Refused {
  const id = gateway.mark.gateway;
  return new Refused(`gateway ${id} is not healthy: ${why}. \`creel provision ${id}\` repairs it; nothing was touched`);
}
