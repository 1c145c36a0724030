import { setTimeout as sleep } from 'node:timers/promises';
import type { Changing } from '../../domain/gateway/changing.js';
import { Refused } from '../../domain/errors.js';
import { tokenIn } from '../../domain/gateway/config.js';
import type { Gateway } from '../../domain/gateway/gateway.js';
import { rotated, type Rotation } from '../../domain/changes/rotation.js';
import { Secret } from '../../domain/secret.js';
import { sessionCloseMs } from '../../domain/thresholds.js';
import type { Container } from '../../ports/docker-engine.js';
import type { Session } from '../../ports/gateway-door.js';
import { configText } from '../parts/config/config.js';
import { patchConfig } from '../parts/config/patch.js';
import { containerOf, ensureRestartPolicy } from '../parts/container/container.js';
import type { Deps } from '../../world/deps.js';
import { demandAnswer, type Control } from '../parts/door/control.js';
import { insideWith } from '../parts/door/inside.js';
import { forgetDevice } from '../parts/door/devices.js';
import { ensureOperator, knockAsOperator, openSession, turnedAway } from '../parts/door/operator.js';
import { restartWith } from '../parts/container/restart.js';
import { wayOf } from './check-rotation.js';

/**
 * The next generation is in force. Read back first: an earlier attempt may have set it (S1-8), and died before the
 * engine was told to keep the gateway running.
 */
export async function ensureToken(deps: Deps, gateway: Changing<Rotation>): Promise<string> {
  const next = rotated(gateway);
  const container = await containerOf(deps, gateway);
  const text = await configText(deps, gateway, container);
  const said = `generation ${next.tokenGeneration} in force`;
  const restarts = (await wayOf(deps, gateway, text)) === 'restart';
  if (container.state === 'running' && !restarts) await ensureRestartPolicy(deps, gateway);
  const restarted = `${said} after a restart, which closed every session`;
  if (await isInForce(deps, next, container)) {
    await ensureRestartPolicy(deps, gateway);
    if (restarts) return restarted;
    return `${said}, set by an earlier attempt whose report was lost: nobody saw what became of the sessions`;
  }
  if (restarts) {
    await restartWith(deps, next, container);
    return restarted;
  }
  if (gateway.change.reclaim) {
    await patchToken(insideWith(deps, gateway, new Secret(tokenIn(text) ?? '')), deps, next);
    return `${said}, set from inside over whatever was there`;
  }
  return `${said}, ${await reloadFromOutside(deps, gateway)}`;
}

/** The generation on record is in force again, serves creel's device from outside, and the engine keeps it running. */
export async function restoreToken(deps: Deps, changing: Changing<Rotation>): Promise<string> {
  const { change, ...gateway } = changing;
  const container = await containerOf(deps, gateway);
  const said = `generation ${gateway.tokenGeneration} proved serving again`;
  if (!(await isInForce(deps, gateway, container))) {
    const text = await configText(deps, gateway, container);
    if (container.state !== 'running' || (await wayOf(deps, gateway, text)) === 'restart') {
      await restartWith(deps, gateway, container);
    } else {
      const next = rotated(changing);
      const held = (await isInForce(deps, next, container)) ? deps.keys.token(next) : new Secret(tokenIn(text) ?? '');
      await patchToken(insideWith(deps, gateway, held), deps, gateway);
    }
  }
  await ensureRestartPolicy(deps, gateway);
  await ensureOperator(deps, gateway);
  const { id: next } = deps.keys.device(rotated(changing));
  if (change.nextDeviceGeneration !== gateway.deviceGeneration) await forgetNext(deps, gateway, next);
  return said;
}

/** Unpairs creel's device of a generation that was given up, and turns down its requests. */
async function forgetNext(deps: Deps, gateway: Gateway, deviceId: string): Promise<void> {
  const session = await openSession(deps, gateway);
  try {
    await forgetDevice(session, deviceId);
  } finally {
    session.close();
  }
}

/** Whether the gateway accepts the token of this generation: asked inside, where a wrong token is not counted (T7). */
async function isInForce(deps: Deps, gateway: Gateway, container: Container): Promise<boolean> {
  if (container.state !== 'running') return false;
  const token = deps.keys.token(gateway);
  const knock = await deps.door.callInside({ place: gateway.place, container: container.name, token }, []);
  return knock.kind === 'open';
}

/**
 * Changes the token as creel's device, over a session with the old token. The gateway then closes that session, while
 * one with the device's own token must stay open: the proof that clients of both kinds fare as promised.
 */
async function reloadFromOutside(deps: Deps, gateway: Changing<Rotation>): Promise<string> {
  const knock = await knockAsOperator(deps, gateway);
  if (knock.kind !== 'open') throw turnedAway(gateway, knock);
  const shared = knock.session;
  const own = await deviceSession(deps, gateway, shared);
  try {
    await patchToken(shared, deps, rotated(gateway));
    const code = await Promise.race([shared.closed, sleep(sessionCloseMs, undefined, { ref: false })]);
    if (code === undefined) throw new Refused('a session on the old token was still open after the change');
    return `a session on generation ${gateway.tokenGeneration} closed (${code}), ${await fate(own)}`;
  } finally {
    shared.close();
    if (typeof own !== 'string') own.close();
  }
}

/** What became of the session on the device's own token, found out by a request over it. */
async function fate(own: Session | string): Promise<string> {
  if (typeof own === 'string') return `no device session was watched: ${own}`;
  await demandAnswer(own);
  return 'a device session still up, not reconnected';
}

/** A session on the device's own token, or why there is none. */
async function deviceSession(deps: Deps, gateway: Gateway, shared: Session): Promise<Session | string> {
  if (!shared.hello.deviceToken) return 'creel’s device has no token of its own';
  const knock = await knockAsOperator(deps, gateway, shared.hello.deviceToken);
  return knock.kind === 'open' ? knock.session : `creel’s device was not let in by its own token (${knock.kind})`;
}

/** Puts the token of this generation into the running config. */
async function patchToken(control: Control, deps: Deps, to: Gateway): Promise<void> {
  const token = deps.keys.token(to).reveal();
  const raw = JSON.stringify({ gateway: { auth: { token }, remote: { token } } });
  await patchConfig(deps, to, control, async () => ({ raw }));
}
