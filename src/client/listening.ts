import { once } from 'node:events';
import { connect, isIP } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';

/** Nothing listens when a port has refused this often, so far apart: a server that starts this very moment is still met. */
const tries = 3;
const apartMs = 600;

/** What takes longer than this does not refuse; how long it may take is for whoever connects. */
const silentMs = 500;

/**
 * Throws when nothing listens at an address, within two seconds: gRPC would go on asking for as long as it may. Says nothing of
 * whatever else is wrong there, or where a proxy stands in between.
 */
export async function demandListening(address: string, environment: NodeJS.ProcessEnv): Promise<void> {
  const target = targetOf(address);
  if (!target || isProxied(target.host, environment)) return;
  for (let count = 1; await isRefused(target); count += 1) {
    if (count === tries) throw new Error(`nothing listens at ${address}`);
    await after(apartMs);
  }
}

type Target = { readonly host: string; readonly port: number };

/** Host and port of an address that is nothing but that. */
function targetOf(address: string): Target | undefined {
  const [, ipv6, name, port] = /^(?:\[([^\]]+)\]|([^:/]+)):(\d+)$/.exec(address) ?? [];
  const host = ipv6 ?? name;
  return host === undefined || Number(port) > 65_535 ? undefined : { host, port: Number(port) };
}

/** gRPC goes through a proxy of the environment to every machine but this one. */
function isProxied(host: string, environment: NodeJS.ProcessEnv): boolean {
  if (host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))) return false;
  return ['grpc_proxy', 'https_proxy', 'http_proxy'].some((name) => Boolean(environment[name]));
}

async function isRefused(target: Target): Promise<boolean> {
  const socket = connect(target);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(silentMs) });
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}
