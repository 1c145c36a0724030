import { placeOn, type RegionAt } from '../../domain/hosts/region.js';
import { whyImageGoes, type PulledImage } from '../../domain/sweep/judge-image.js';
import type { Gone, Named } from '../../wire/sweep.js';
import type { Deps } from '../../world/deps.js';
import { ownersOf } from './owners.js';

type On = { readonly engine: string; readonly at?: RegionAt };

/** The images on an engine that go; whose marks stand there is known, and who is on its way there is asked. */
export async function imagesThatGo(deps: Deps, on: On, lives: readonly string[]): Promise<Gone[]> {
  const pulled = await deps.engineAt(placeOn(on.engine, on.at)).listPulled(deps.about.deployment);
  if (pulled.length === 0) return [];
  const owners = await ownersOn(deps, on.engine, lives);
  return pulled.flatMap((image) => {
    const proof = whyImageGoes(image, owners, Date.now());
    return proof === undefined ? [] : [{ ...on, kind: 'image', name: image.id, ...nobodys, proof }];
  });
}

const nobodys = { gateway: '', birth: '', state: false } as const;

/** Removes such an image, if everything still says so. Answers why it stays; nothing when it is gone. */
export async function sweepImage(deps: Deps, asked: Named): Promise<string | undefined> {
  const engine = deps.engineAt(placeOn(asked.engine, asked.at));
  const { deployment } = deps.about;
  const isIt = ({ id }: PulledImage) => id === asked.name;
  const image = (await engine.listPulled(deployment)).find(isIt);
  if (!image) return undefined;
  const marked = await engine.listMarked();
  const ours = marked.filter(({ labels }) => labels['creel.deployment'] === deployment);
  const lives = ours.map(({ labels }) => `${labels['creel.gateway']}/`);
  const owners = await ownersOn(deps, asked.engine, lives);
  if (whyImageGoes(image, owners, Date.now()) === undefined) return 'a gateway there may need it now';
  deps.signal()?.throwIfAborted();
  return (await engine.removePulled(image.id, deployment)) === 'removed' ? undefined : 'a container is of it';
}

/** Every gateway that has something on an engine, and every one that is on record there. */
async function ownersOn(deps: Deps, engine: string, lives: readonly string[]) {
  const recorded = (await deps.gatewaysOn(engine)).map((id) => `${id}/`);
  return [...(await ownersOf(deps, [...lives, ...recorded])).values()];
}
