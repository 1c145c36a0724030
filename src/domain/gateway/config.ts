import { renderChannels, type ResolvedChannel } from '../channels/config.js';
import { isObject, overlay, parseObject, type JsonObject } from '../json.js';
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
  /** The release that will read it: one that does not know a key does not start. */
  readonly release: string;
  readonly token: Secret;
  /** The published port: a browser's origin carries it, and an unlisted origin is closed with 1008. */
  readonly port: number;
  readonly channels: readonly ResolvedChannel[];
};

/**
 * What creel owns of `openclaw.json` (S4-42): local mode, bind `lan` behind a loopback publish, token mode with the token
 * mirrored for the CLI inside (S1-2), the published origins, an explicit rate limit whose lock-out stays well under the
 * rotation budget of S3-24, pairing also for a browser that comes over loopback (S0-11), allow-lists for direct messages (S4-40) and the mounted workspace.
 */
export function renderConfig(input: ConfigInput): JsonObject {
  const token = input.token.reveal();
  return {
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
    ...(input.channels.length > 0 && { channels: renderChannels(input.channels) }),
  };
}

/** The origins from which a person's browser may open the Control UI of a gateway published on this port. */
export function origins(port: number): string[] {
  return [`http://127.0.0.1:${port}`, `http://localhost:${port}`];
}

/**
 * The text of an existing config with what creel owns put over it; everything else (meta, a customer's own settings) stays.
 * Undefined or unreadable text gives the rendered config alone: whoever has an unreadable one keeps it elsewhere first.
 */
export function overlayConfig(existing: string | undefined, owned: JsonObject): string {
  return `${JSON.stringify(overlay(parseObject(existing), owned), undefined, 2)}\n`;
}

/** Whether a config already says everything that creel owns of it. */
export function holdsConfig(existing: string | undefined, owned: JsonObject): boolean {
  const found = parseObject(existing);
  return found !== undefined && JSON.stringify(overlay(found, owned)) === JSON.stringify(found);
}

/** Whether two texts of a config say the same, in whatever form. */
export function saysSame(one: string | undefined, other: string): boolean {
  const [first, second] = [parseObject(one), parseObject(other)];
  return first !== undefined && second !== undefined && mergePatch(first, second) === undefined;
}

/** The gateway token that a config holds, or undefined. */
export function tokenIn(text: string | undefined): string | undefined {
  const gateway = parseObject(text)?.['gateway'];
  const auth = isObject(gateway) ? gateway['auth'] : undefined;
  const token = isObject(auth) ? auth['token'] : undefined;
  return typeof token === 'string' ? token : undefined;
}
