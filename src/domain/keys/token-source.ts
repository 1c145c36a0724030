import { createHmac } from 'node:crypto';
import { parseObject } from '../json.js';
import type { MasterKey } from './token.js';

/**
 * One place that can hold a gateway token (S1-6, S3-1), and its content as a fingerprint that only the key's owner can
 * make.
 */
export type TokenSource = { readonly place: string; readonly fingerprint: string };

/** A token's fingerprint under the deployment's key: equal for equal tokens, and it reveals nothing else. */
export function fingerprint(key: MasterKey, token: string): string {
  return createHmac('sha256', key.bytes).update('creel token fingerprint\0').update(token).digest('hex').slice(0, 12);
}

type Places = {
  /** The text of the config, or undefined. */
  readonly config: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly command: readonly string[];
};

/**
 * Every place of a gateway that can hold its token, with its content (OpenClaw prefers `--token` to the config, and the
 * config to the environment, T11). A reference in place of a value counts, too: nobody here knows what it resolves to.
 */
export function tokenSources(key: MasterKey, { config, environment, command }: Places): TokenSource[] {
  const sources: TokenSource[] = [];
  const add = (place: string, value: unknown) => {
    if (value === undefined || value === '') return;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    sources.push({ place, fingerprint: fingerprint(key, text) });
  };
  const gateway = field(parseObject(config), 'gateway');
  add('gateway.auth.token in openclaw.json', field(field(gateway, 'auth'), 'token'));
  add('gateway.remote.token in openclaw.json', field(field(gateway, 'remote'), 'token'));
  add('OPENCLAW_GATEWAY_TOKEN in the container’s environment', environment['OPENCLAW_GATEWAY_TOKEN']);
  add('--token on the container’s command line', optionOf(command, '--token'));
  return sources;
}

/** Whether the config lets the gateway reload changes while it runs. */
export function reloads(config: string | undefined): boolean {
  return field(field(field(parseObject(config), 'gateway'), 'reload'), 'mode') !== 'off';
}

function optionOf(command: readonly string[], option: string): string | undefined {
  const at = command.findIndex((word) => word === option || word.startsWith(`${option}=`));
  if (at < 0) return undefined;
  const word = command[at];
  return word?.includes('=') ? word.slice(option.length + 1) : command[at + 1];
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
