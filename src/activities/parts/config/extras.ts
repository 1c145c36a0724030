import { Refused } from '../../../domain/errors.js';
import { extrasPatch, settingsIn } from '../../../domain/extras/config.js';
import type { Extras } from '../../../domain/extras/extras.js';
import type { Gateway } from '../../../domain/gateway/gateway.js';
import { isTelling } from '../../../domain/heard.js';
import { bothWritten } from '../../../domain/gateway/written-config.js';
import type { Secret } from '../../../domain/secret.js';
import type { Container } from '../../../ports/docker-engine.js';
import type { Deps } from '../../../world/deps.js';
import { wayOf } from '../../rotate/check-rotation.js';
import { restartWith, type Brought } from '../container/restart.js';
import { readReloadable } from '../door/control.js';
import { insideWith } from '../door/inside.js';
import { configText } from './config.js';
import { patchConfig } from './patch.js';
import { ownedOf, recall, remember } from './written.js';

/** How a gateway took up what its spec wants in its config. */
export type TakenUp = 'as it was' | 'while it runs' | 'by a restart';

/**
 * The config says what `[config]` does, and nothing of what creel wrote of previous ones. The release itself says which
 * settings it takes up while it runs; any other is written while the gateway is stopped, because its own restart may
 * never come back (T3).
 */
export async function applyExtras(
  deps: Deps,
  gateway: Gateway,
  container: Container,
  previous: readonly Extras[],
  secrets?: Brought['secrets'],
): Promise<TakenUp> {
  const { written } = await ownedOf(deps, gateway);
  const before = await recall(deps, gateway, container);
  const known = [...before.config, ...previous];
  const after = { ...before, config: written.config };
  const make = async () => extrasPatch(await configText(deps, gateway, container), known, gateway.spec.config);
  const isRunning = container.state === 'running';
  const change = await make();
  if (isRunning && !change) {
    await remember(deps, gateway, container, after);
    return 'as it was';
  }
  await remember(deps, gateway, container, bothWritten({ ...before, config: known }, after));
  if (!isRunning || (change && !(await reloadable(deps, gateway, container, change.changed)))) {
    await restartWith(deps, gateway, container, { secrets });
    return 'by a restart';
  }
  await patchConfig(deps, gateway, insideWith(deps, gateway, deps.keys.token(gateway)), async () => {
    const now = await make();
    return now && { raw: JSON.stringify(now.patch), replacePaths: now.lost };
  });
  await remember(deps, gateway, container, after);
  return 'while it runs';
}

/** What a change of `[config]` would come to in a running gateway. */
export async function wayOfExtras(deps: Deps, gateway: Gateway, container: Container, previous: readonly Extras[]) {
  const { config: before } = await recall(deps, gateway, container);
  const text = await configText(deps, gateway, container);
  const change = extrasPatch(text, [...before, ...previous], gateway.spec.config);
  return !change || (await reloadable(deps, gateway, container, change.changed)) ? 'reload' : 'restart';
}

async function reloadable(
  deps: Deps,
  gateway: Gateway,
  container: Container,
  changed: readonly (readonly string[])[],
): Promise<boolean> {
  if ((await wayOf(deps, gateway, await configText(deps, gateway, container))) !== 'reload') return false;
  const control = insideWith(deps, gateway, deps.keys.token(gateway));
  for (const path of changed) if (!(await readReloadable(control, path))) return false;
  return true;
}

/** `Refused` when a spec's config or environment holds one of these secrets that is no mere word, in whatever form. */
export function demandNoSecrets({ spec }: Gateway, known: readonly Secret[]): void {
  const { config, environment } = spec;
  if (!config && !environment) return;
  const secrets = known.map((secret) => secret.reveal()).filter(isTelling);
  const said = settingsIn({ ...(config && { config }), ...(environment && { environment: { ...environment } }) });
  const found = said.find(({ value }) => secrets.some((each) => JSON.stringify(value).includes(each)));
  if (!found) return;
  throw new Refused(
    `${found.path.join('.')} holds a secret that is stored here, and everybody may read a spec. Take it out, and give the secret another value: \`creel secret set\``,
  );
}
