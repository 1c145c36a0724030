import { z } from 'zod';
import { Refused } from '../../domain/errors.js';
import { Secret } from '../../domain/secret.js';
import type { ExecResult } from '../../ports/docker-engine.js';

/**
 * With `--json` no browser is opened. `url` carries the gateway token and is never read; `browserUrl` is the one-time
 * link.
 */
export const dashboardCommand = ['openclaw', 'dashboard', '--json'] as const;

const minted = z.object({ browserUrl: z.url(), browserBootstrapExpiresAtMs: z.number() });
const failed = z.object({ ok: z.literal(false), reason: z.string() });

/** How releases without `--json` say so; 2026.6.11 in the second way. */
const unknownOption = /unknown option|does not recognize option/i;

/**
 * The one-time link that the command printed, rewritten to the published address. An error never repeats any output.
 */
export function readLink(result: ExecResult, port: number): { url: Secret; expiresAt: string } {
  const printed = readPrinted(result.stdout);
  const link = minted.safeParse(printed);
  if (link.success) {
    const { browserUrl, browserBootstrapExpiresAtMs } = link.data;
    return {
      url: new Secret(publishedLink(browserUrl, port)),
      expiresAt: new Date(browserBootstrapExpiresAtMs).toISOString(),
    };
  }
  const failure = failed.safeParse(printed);
  if (failure.success) throw new Error(`openclaw dashboard made no link: ${failure.data.reason}`);
  if (printed === undefined && !unknownOption.test(result.stderr + result.stdout)) {
    throw new Error(`openclaw dashboard ended with exit ${result.exitCode} and printed no link`);
  }
  throw new Refused(
    'this release makes no one-time links (openclaw dashboard gives no browserUrl). Use release 2026.9.6 or newer',
  );
}

/** A link made inside, pointed to the published port in both places: its own address, and the gateway it names. */
export function publishedLink(browserUrl: string, port: number): string {
  const url = new URL(browserUrl);
  const fragment = new URLSearchParams(url.hash.slice(1));
  const gateway = fragment.get('gatewayUrl');
  if (gateway) fragment.set('gatewayUrl', at(new URL(gateway), port));
  url.hash = fragment.toString();
  return at(url, port);
}

function at(url: URL, port: number): string {
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return url.pathname === '/' && url.hash === '' ? url.origin : url.href;
}

function readPrinted(stdout: string): unknown {
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined; // The caller judges that.
  }
}
