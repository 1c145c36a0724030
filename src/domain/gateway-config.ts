import type { Channel } from './channels.js';
import { asksEveryDevice } from './release.js';
import type { Secret } from './secret.js';
import { lockOutAttempts, lockOutMs, lockOutWindowMs } from './thresholds.js';

/** Where the state volume is mounted (S4-27) and where the agent works inside it (S4-39). */
export const stateDirectory = '/home/node/.openclaw';
const workspaceDirectory = `${stateDirectory}/workspace`;
export const configFile = 'openclaw.json';

/** The port a gateway listens on inside its container (S0-26). */
export const insidePort = 18_789;

export type ConfigInput = {
  /** The release that will read it: one that does not know a key does not start. */
  readonly release: string;
  readonly token: Secret;
  /** The published port: a browser's origin carries it, and an unlisted origin is closed with 1008. */
  readonly port: number;
  readonly channels: readonly { readonly channel: Channel; readonly secrets: Readonly<Record<string, Secret>> }[];
};

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * What creel owns of `openclaw.json` (S4-42): local mode, bind `lan` behind a loopback publish, token mode with the token
 * mirrored for the CLI inside (S1-2), the published origins, an explicit rate limit whose lock-out stays well under the
 * rotation budget of S3-24, pairing also for a browser that comes over loopback (S0-11), allow-lists for direct messages (S4-40) and the mounted workspace.
 */
export function renderConfig(input: ConfigInput): { [key: string]: Json } {
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
    ...(input.channels.length > 0 && {
      channels: Object.fromEntries(
        input.channels.map(({ channel, secrets }) => [channel.kind, renderChannel(channel, secrets)]),
      ),
    }),
  };
}

/** The origins from which a person's browser may open the Control UI of a gateway published on this port. */
function origins(port: number): string[] {
  return [`http://127.0.0.1:${port}`, `http://localhost:${port}`];
}

/**
 * The text of an existing config with what creel owns put over it; everything else (meta, a customer's own settings) stays.
 * Undefined or unreadable text gives the rendered config alone.
 */
export function overlayConfig(existing: string | undefined, owned: { [key: string]: Json }): string {
  return `${JSON.stringify(overlay(parse(existing), owned), undefined, 2)}\n`;
}

/** Whether a config already says everything that creel owns of it. */
export function holdsConfig(existing: string | undefined, owned: { [key: string]: Json }): boolean {
  const found = parse(existing);
  return found !== undefined && JSON.stringify(overlay(found, owned)) === JSON.stringify(found);
}

/** Objects merge, lists keep what they have and gain what is missing, everything else is ours. */
function overlay(base: Json | undefined, over: Json): Json {
  if (Array.isArray(base) && Array.isArray(over)) return [...base, ...over.filter((each) => !base.includes(each))];
  if (!isObject(base) || !isObject(over)) return over;
  const result: { [key: string]: Json } = { ...base };
  for (const [key, value] of Object.entries(over)) result[key] = overlay(base[key], value);
  return result;
}

function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(text: string | undefined): Json | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined; // A torn or hand-broken file counts as none: the gateway itself would refuse to start on it.
  }
}

function renderChannel(channel: Channel, secrets: Readonly<Record<string, Secret>>): Json {
  return {
    enabled: true,
    ...Object.fromEntries(Object.entries(secrets).map(([key, secret]) => [key, secret.reveal()])),
    dmPolicy: 'allowlist',
    allowFrom: [...channel.allowFrom],
  };
}

/** The gateway token that a config holds, or undefined. */
export function tokenIn(text: string | undefined): string | undefined {
  const config = parse(text);
  const gateway = isObject(config) ? config['gateway'] : undefined;
  const auth = isObject(gateway) ? gateway['auth'] : undefined;
  const token = isObject(auth) ? auth['token'] : undefined;
  return typeof token === 'string' ? token : undefined;
}
