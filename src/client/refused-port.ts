import { once } from 'node:events';
import { connect, isIP } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';

/** Nothing listens when a port has refused this often, so far apart: a server that starts this very moment is still met. */
const tries = 3;
const apartMs = 600;

/** Rejects when nothing listens at an address, within two seconds. Never settles otherwise, or where a proxy stands in between. */
export async function refused(address: string, environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<never> {
  const target = targetOf(address);
  if (!target || isProxied(target.host, environment)) return never();
  for (let count = 1; await isRefused(target, signal); count += 1) {
    if (count === tries) throw new Error(`nothing listens at ${address}`);
    await after(apartMs, undefined, { signal });
  }
  return never();
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

type Target = { readonly host: string; readonly port: number };

/** Host and port of an address that is nothing but that. */
function targetOf(address: string): Target | undefined {
  const [, ipv6, name, port] = /^(?:\[([^\]]+)\]|([^:/]+)):(\d+)$/.exec(address) ?? [];
  const host = ipv6 ?? name;
  return host === undefined ? undefined : { host, port: Number(port) };
}

/** gRPC goes through a proxy of the environment to every machine but this one. */
function isProxied(host: string, environment: NodeJS.ProcessEnv): boolean {
  if (host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))) return false;
  return ['grpc_proxy', 'https_proxy', 'http_proxy'].some((name) => Boolean(environment[name]));
}

async function isRefused(target: Target, signal: AbortSignal): Promise<boolean> {
  const socket = connect({ ...target, signal });
  try {
    await once(socket, 'connect');
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}
