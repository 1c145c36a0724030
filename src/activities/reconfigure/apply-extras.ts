import { reconfigured, rehearsalName, type Reconfiguration } from '../../domain/changes/reconfiguration.js';
import { settingsIn } from '../../domain/extras/config.js';
import type { Extras } from '../../domain/extras/extras.js';
import type { Changing } from '../../domain/gateway/changing.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { readinessMs, replacementReadyMs } from '../../domain/thresholds.js';
import type { Deps } from '../../world/deps.js';
import { applyExtras, wayOfExtras } from '../parts/config/extras.js';
import { containerOf, ensureRestartPolicy } from '../parts/container/container.js';
import { awaitReady, awaitReadyAgain } from '../parts/container/readiness.js';
import { openSession } from '../parts/door/operator.js';
import { clearRehearsal, livingState, rehearse } from '../replace/rehearse-replacement.js';
import { demandChangeable } from './changeable.js';
import { keepPreviousTokens, readPreviousTokens } from './previous-secrets.js';

/** Refuses another `[config]` before anything is touched: the gateway serves, and nothing in it is a stored secret. */
export async function probeExtrasChangeable(deps: Deps, gateway: Changing<Reconfiguration>): Promise<string> {
  const { next, container } = await demandChangeable(deps, gateway);
  return `serving, config applied by ${await wayOfExtras(deps, next, container, listed(gateway.spec.config))}`;
}

/**
 * The release starts with the next config on a copy of the state, also where it takes it up while it runs: only its own
 * start tells whether there is another one.
 */
export async function ensureExtrasRehearsal(deps: Deps, gateway: Changing<Reconfiguration>): Promise<string> {
  return rehearse(deps, {
    next: reconfigured(gateway),
    label: rehearsalName(gateway.change, 'config'),
    source: livingState(gateway),
    previous: gateway.spec.channels,
    readyMs: replacementReadyMs,
  });
}

/** Removes whatever is left of the rehearsal of another config. */
export async function removeExtrasRehearsal(deps: Deps, gateway: Gateway): Promise<void> {
  await clearRehearsal(deps, gateway);
}

/** The gateway runs with the config of the next spec, and without what the previous one said. */
export async function ensureExtras(deps: Deps, gateway: Changing<Reconfiguration>): Promise<string> {
  await keepPreviousTokens(deps, gateway, await containerOf(deps, gateway));
  return give(deps, reconfigured(gateway), gateway.spec.config, awaitReady);
}

/** The gateway runs with the config on record again, and serves creel's device from outside. */
export async function restoreExtras(deps: Deps, { change, ...gateway }: Changing<Reconfiguration>): Promise<string> {
  const tokens = await readPreviousTokens(deps, { ...gateway, change }, await containerOf(deps, gateway));
  const said = await give(deps, gateway, change.to.config, awaitReadyAgain, tokens);
  (await openSession(deps, gateway)).close();
  return `${said}, proved serving`;
}

/** A gateway that must be restarted for this is restarted once, however often it is repeated, and then awaited. */
async function give(
  deps: Deps,
  to: Gateway,
  previous: Extras | undefined,
  wait: typeof awaitReady,
  tokens?: string,
): Promise<string> {
  const container = await containerOf(deps, to);
  const taken = await applyExtras(deps, to, container, listed(previous), { tokens });
  await wait(deps, to, readinessMs);
  await ensureRestartPolicy(deps, to);
  (await openSession(deps, to)).close();
  const count = settingsIn(to.spec.config ?? {}).length;
  return `config: ${count} settings, ${taken === 'as it was' ? 'in force already' : `taken up ${taken}`}`;
}

function listed(config: Extras | undefined): Extras[] {
  return config ? [config] : [];
}
