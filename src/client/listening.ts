import { once } from 'node:events';
import { connect, isIP } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';

/** Nothing listens when a port has refused this often, this far apart: a server that is just starting is still met. */
const tries = 3;
const apartMs = 600;

/** A port that takes longer than this is not refusing; how long it may take is the caller's business. */
const silentMs = 500;

/**
 * Throws within two seconds when nothing listens at an address, where gRPC would keep trying for as long as it may.
 * Detects nothing else that is wrong there, and nothing behind a proxy.
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

/** Host and port of an address that consists of just these. */
function targetOf(address: string): Target | undefined {
  const [, ipv6, name, port] = /^(?:\[([^\]]+)\]|([^:/]+)):(\d+)$/.exec(address) ?? [];
  const host = ipv6 ?? name;
  return host === undefined || Number(port) > 65_535 ? undefined : { host, port: Number(port) };
}

/** Whether gRPC reaches this host through a proxy of the environment, as it does every machine but this one. */
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
