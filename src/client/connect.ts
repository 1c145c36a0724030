import { Client, Connection } from '@temporalio/client';
import { loadClientConfigProfile, toClientOptions } from '@temporalio/envconfig';
import { runningDemo } from './demo-state.js';
import { turnedAwayWith, Unreachable } from './failure.js';
import { demandListening } from './listening.js';

/** Where Temporal is said to be, and who said so. */
export type Target = {
  readonly address: string;
  readonly namespace: string;
  readonly ui: string | undefined;
  readonly source: string;
};

/**
 * What the command line says about where Temporal is. Keys and TLS come from the standard Temporal environment alone.
 */
export type Flags = { readonly address?: string; readonly namespace?: string; readonly ui?: string };

/** A connected client, and where it is connected to. `close` it. */
export type Connected = { readonly client: Client; readonly target: Target; readonly close: () => Promise<void> };

/**
 * How long a connection may take before the address counts as silent. A refused connection is known sooner; this is for
 * busy machines.
 */
const connectMs = 15_000;

const defaultAddress = '127.0.0.1:7233';
const demoSource = 'the running demo';

type Profile = ReturnType<typeof loadClientConfigProfile>;

/**
 * Where to find Temporal: flags, then the standard environment or TOML file, then the running demo, then the usual
 * port.
 */
export function findTarget(flags: Flags, environment: NodeJS.ProcessEnv, profile: Profile): Target {
  const found = findAddress(flags, environment, profile);
  return { ...found, namespace: flags.namespace ?? found.namespace, ui: flags.ui ?? found.ui };
}

function findAddress(flags: Flags, environment: NodeJS.ProcessEnv, profile: Profile): Target {
  const namespace = profile.namespace ?? 'default';
  if (flags.address !== undefined)
    return { address: flags.address, namespace, ui: undefined, source: 'the flag --address' };
  if (profile.address !== undefined) {
    const source = environment['TEMPORAL_ADDRESS'] ? 'TEMPORAL_ADDRESS' : 'the Temporal configuration file';
    return { address: profile.address, namespace, ui: undefined, source };
  }
  const demo = runningDemo(environment);
  if (demo) return { ...demo, source: demoSource };
  return { address: defaultAddress, namespace, ui: undefined, source: 'the usual address, as nothing names another' };
}

/** Connects, or fails within seconds with `Unreachable`: which address, who named it, how to start one. */
export async function connect(flags: Flags, environment: NodeJS.ProcessEnv = process.env): Promise<Connected> {
  const profile = readProfile(environment);
  const target = findTarget(flags, environment, profile);
  keepLoopbackDirect(environment);
  // An API key meant for another server is not shown to the demo's.
  const { tls, apiKey, metadata } = toClientOptions(target.source === demoSource ? {} : profile).connectionOptions;
  const { address } = target;
  try {
    await demandListening(address, environment);
    const connection = await Connection.connect({
      address,
      connectTimeout: connectMs,
      ...(tls !== undefined && tls !== null && { tls }),
      ...(apiKey !== undefined && { apiKey }),
      ...(metadata !== undefined && { metadata }),
    });
    const client = new Client({ connection, namespace: target.namespace, identity: 'creel' });
    return { client, target, close: () => connection.close() };
  } catch (error) {
    throw unreachable(target, error);
  }
}

function unreachable({ address, source }: Target, cause: unknown): Unreachable {
  const said = turnedAwayWith(cause);
  const sentence =
    said === undefined
      ? `Temporal does not answer at ${address} (from ${source}). Start it, or name another with --address or TEMPORAL_ADDRESS; to look around, \`npm run demo\` in a clone of creel has one of its own`
      : `Temporal at ${address} (from ${source}) answers and does not let us in: ${said}. Check TEMPORAL_API_KEY, the TLS settings and the namespace`;
  return new Unreachable(sentence, { cause });
}

/**
 * The standard Temporal environment and TOML file; an empty variable counts as none. What cannot be read is
 * `Unreachable`.
 */
export function readProfile(environment: NodeJS.ProcessEnv): Profile {
  try {
    const variables = Object.entries(environment).flatMap(([name, value]) => (value ? [[name, value]] : []));
    return loadClientConfigProfile({ overrideEnvVars: Object.fromEntries(variables) });
  } catch (error) {
    const said = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new Unreachable(
      `the Temporal configuration cannot be read: ${said}. Mend it, or remove TEMPORAL_CONFIG_FILE`,
      {
        cause: error,
      },
    );
  }
}

/** Keeps gRPC from using a proxy of the environment for this very machine. */
function keepLoopbackDirect(environment: NodeJS.ProcessEnv): void {
  const loopback = ['127.0.0.1', 'localhost', '::1'];
  for (const name of ['no_proxy', 'no_grpc_proxy']) {
    const already = environment[name];
    if (name === 'no_grpc_proxy' && already === undefined) continue; // Setting it would hide no_proxy.
    environment[name] = [...(already ? [already] : []), ...loopback].join(',');
  }
}
