import { Refused } from '../../../domain/errors.js';
import { configFile } from '../../../domain/gateway/config.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { parseObject } from '../../../domain/json.js';
import { bridgeOf, drift, type Drift } from '../../../domain/gateway/owned-keys.js';
import type { Deps } from '../../../world/deps.js';
import { networkOf } from '../network.js';
import { demandReadable } from './unreadable.js';

/** Everything in a config that overrides what creel owns. */
export async function driftOf(deps: Deps, gateway: Gateway, text: string | undefined): Promise<Drift[]> {
  const { network } = await networkOf(deps, gateway);
  return drift(parseObject(text) ?? {}, {
    bridge: bridgeOf(network.subnets[0]),
    channels: gateway.spec.channels.map(({ kind }) => kind),
    models: gateway.spec.models,
    config: gateway.spec.config,
  });
}

/**
 * `Refused` when the config cannot be read, or when creel would have to write beside an include: nothing is
 * half-written.
 */
export async function demandWhole(deps: Deps, gateway: Gateway, text: string | undefined): Promise<Drift[]> {
  demandReadable(gateway, text);
  const found = await driftOf(deps, gateway, text);
  const split = found.filter(({ kind }) => kind === 'split');
  if (split.length === 0) return found;
  throw new Refused(
    `${configFile} of gateway ${gateway.mark.gateway} is split: ${sentences(split)}. creel writes ${configFile} alone and never beside an "$include"; nothing was touched. Put what the other file says in the place of the "$include", and ask again. See docs/runbook.md#config-split`,
  );
}

/**
 * The same for a gateway that is to be changed while it serves: a config that shuts its door is first a matter for a
 * repair.
 */
export async function demandOwned(deps: Deps, gateway: Gateway, text: string | undefined): Promise<void> {
  const shut = (await demandWhole(deps, gateway, text)).filter(({ kind }) => kind === 'shut');
  if (shut.length > 0) throw takenOver(gateway, shut);
}

/** The refusal that names the keys which only a start with creel's own values puts right. */
function takenOver({ mark }: Gateway, shut: readonly Drift[]): Refused {
  const id = mark.gateway;
  return new Refused(
    `${configFile} of gateway ${id} takes over what creel owns: ${sentences(shut)}. \`creel provision ${id}\` puts it right with one restart; nothing was touched. See docs/runbook.md#config-taken-over`,
  );
}

/** Why a gateway does not let us in: the keys that shut its door, if any, otherwise the error itself. */
export function blamed(gateway: Gateway, found: readonly Drift[], heard: unknown): unknown {
  const shut = found.filter(({ kind }) => kind === 'shut');
  return shut.length > 0 ? takenOver(gateway, shut) : heard;
}

/** What the keys of a config say, as the end of a sentence. */
export function sentences(found: readonly Drift[]): string {
  return found.map(({ sentence }) => sentence).join('; ');
}
