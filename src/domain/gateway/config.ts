import { renderChannels } from '../channels/config.js';
import type { Channel } from '../channels/channel.js';
import type { Extras } from '../extras/extras.js';
import { isObject, overlay, parseObject, type JsonObject } from '../json.js';
import { renderModels } from '../models/config.js';
import type { Models } from '../models/models.js';
import { mergePatch } from '../merge-patch.js';
import { asksEveryDevice } from '../release/release.js';
import type { Secret } from '../secret.js';
import { lockOutAttempts, lockOutMs, lockOutWindowMs } from '../thresholds.js';

/** Where the state volume is mounted (S4-27) and where the agent works inside it (S4-39). */
export const stateDirectory = '/home/node/.openclaw';
const workspaceDirectory = `${stateDirectory}/workspace`;
export const configFile = 'openclaw.json';
/** Where a gateway itself keeps the config that it last read without a complaint. */
export const lastGoodFile = 'openclaw.json.last-good';

/** The port a gateway listens on inside its container (S0-26). */
export const insidePort = 18_789;

export type ConfigInput = {
  /** The release that will read it: a key that it does not know keeps it from starting. */
  readonly release: string;
  readonly token: Secret;
  /** The published port, which a browser's origin carries; an unlisted origin is closed with 1008. */
  readonly port: number;
  /** Only references to their tokens go into a config, and to the keys of its models. */
  readonly channels: readonly Channel[];
  readonly models?: Models | undefined;
  /** What else it is to say. */
  readonly config?: Extras | undefined;
};

/**
 * What creel owns of `openclaw.json` (S4-42): local mode; bind `lan` behind a loopback publish; token mode, with the
 * token mirrored for the CLI inside (S1-2); the published origins; an explicit rate limit whose lock-out stays well
 * under the rotation budget of S3-24; pairing even for a browser on loopback (S0-11); allow-lists for direct messages
 * (S4-40); the mounted workspace; no offer to update in the Control UI, because nothing in a container can carry it out; which model answers, with references instead of keys and tokens; and what else its spec wants, which can say nothing
 * of all that.
 */
export function renderConfig(input: ConfigInput): JsonObject {
  const token = input.token.reveal();
  const rendered: JsonObject = {
    gateway: {
      mode: 'local',
      bind: 'lan',
      port: insidePort,
      auth: {
        mode: 'token',
        token,
        rateLimit: { maxAttempts: lockOutAttempts, windowMs: lockOutWindowMs, lockoutMs: lockOutMs },
      },
      remote: { token },
      controlUi: { allowedOrigins: origins(input.port) },
      ...(asksEveryDevice(input.release) && { nodes: { pairing: { autoApproveLocal: false } } }),
    },
    agents: { defaults: { workspace: workspaceDirectory } },
    update: { checkOnStart: false },
    ...renderChannels(input.channels, stateDirectory),
  };
  const models = input.models && overlay(rendered, renderModels(input.models, stateDirectory));
  const owned = isObject(models) ? models : rendered;
  const all = input.config && overlay(owned, input.config);
  return isObject(all) ? all : owned;
}

/** The origins from which a person's browser may open the Control UI of a gateway published on this port. */
export function origins(port: number): string[] {
  return [`http://127.0.0.1:${port}`, `http://localhost:${port}`];
}

/**
 * The text of a config with what creel owns put over it; everything else (meta, a customer's own settings) stays.
 * Without a readable text, the rendered config alone: the caller first saves an unreadable one elsewhere.
 */
export function overlayConfig(existing: string | undefined, owned: JsonObject): string {
  return `${JSON.stringify(overlay(parseObject(existing), owned), undefined, 2)}\n`;
}

/** Whether a config already says everything that creel owns of it. */
export function holdsConfig(existing: string | undefined, owned: JsonObject): boolean {
  const found = parseObject(existing);
  return found !== undefined && JSON.stringify(overlay(found, owned)) === JSON.stringify(found);
}

/** Whether two texts of a config mean the same, whatever their layout. */
export function saysSame(one: string | undefined, other: string): boolean {
  const [first, second] = [parseObject(one), parseObject(other)];
  return first !== undefined && second !== undefined && mergePatch(first, second) === undefined;
}

/** The gateway token in a config; undefined when it has none. */
export function tokenIn(text: string | undefined): string | undefined {
  const gateway = parseObject(text)?.['gateway'];
  const auth = isObject(gateway) ? gateway['auth'] : undefined;
  const token = isObject(auth) ? auth['token'] : undefined;
  return typeof token === 'string' ? token : undefined;
}
