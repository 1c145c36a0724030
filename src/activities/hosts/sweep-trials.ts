import { placeOn, type RegionAt } from '../../domain/hosts/region.js';
import { whyTrialGoes } from '../../domain/sweep/judge-trial.js';
import type { Gone, Named } from '../../wire/sweep.js';
import type { Deps } from '../../world/deps.js';
import { unlessUsed } from './unless-used.js';

type On = { readonly engine: string; readonly at?: RegionAt };

/** What trials of the fence left on an engine that goes: a worker that was killed takes nothing away. */
export async function trialsThatGo(deps: Deps, on: On): Promise<Gone[]> {
  const all = await deps.engineAt(placeOn(on.engine, on.at)).listTrials(deps.about.deployment);
  const proof = whyTrialGoes(all, Date.now());
  if (proof === undefined) return [];
  return all.map(({ kind, name }) => ({ ...on, kind, name, gateway: '', birth: '', state: false, proof }));
}

/** Whether this is what a trial left: everything else that a sweep removes is of some gateway, or an image. */
export function isTrial({ kind, gateway }: Named): boolean {
  return gateway === '' && (kind === 'container' || kind === 'network');
}

/** Removes it by the engine's own id, if everything still says so. Answers why it stays; nothing when it is gone. */
export async function sweepTrial(deps: Deps, asked: Named): Promise<string | undefined> {
  const engine = deps.engineAt(placeOn(asked.engine, asked.at));
  const all = await engine.listTrials(deps.about.deployment);
  const found = all.filter(({ kind, name }) => kind === asked.kind && name === asked.name);
  if (found.length > 0 && whyTrialGoes(all, Date.now()) === undefined) return 'the fence is being tried';
  for (const { kind, id } of found) {
    deps.signal()?.throwIfAborted();
    const stays = await unlessUsed(() =>
      kind === 'container' ? engine.removeContainer(id) : engine.removeNetwork(id),
    );
    if (stays !== undefined) return stays;
  }
  return undefined;
}
