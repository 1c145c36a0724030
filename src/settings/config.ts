import { isIP } from 'node:net';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { readCatalogue } from './catalogue.js';
import { directories } from './directories.js';
import { Refused } from '../domain/errors.js';
import type { Exception } from '../domain/hosts/fence.js';
import type { HostOffer } from '../domain/hosts/offer.js';
import type { SshHost } from '../domain/hosts/ssh-host.js';
import type { Catalogue } from '../domain/release/release.js';
import { Secret } from '../domain/secret.js';
import { straightOut, type Egress } from '../domain/hosts/egress.js';
import { slotPool, type Pool } from '../domain/hosts/slot.js';
import { readEgress } from './egress.js';
import { readSchedules, type ExportsSetting } from './schedules.js';
import { readLightsail, type LightsailSetting } from './lightsail.js';
import { hostsFile, readAllowed, readCeiling, readPutsFence, readHosts, readLocalOffer } from './hosts.js';

/**
 * Every setting of a worker. The connection to Temporal is not among them: it has a standard environment of its own.
 */
export type Config = {
  readonly keyFile: string;
  /** Customers' secrets, encrypted: the file lies beside the key, and is backed up with it. */
  readonly secretsFile: string;
  /** Who was shown which secret: appended to, and never with a value in it. */
  readonly auditFile: string;
  readonly catalogue: Catalogue;
  /** The socket of the Docker engine. */
  readonly engineSocket: string;
  /** The hosts that are reached over SSH. */
  readonly hosts: readonly SshHost[];
  /** How machines are bought at Lightsail; undefined: none are. */
  readonly lightsail: LightsailSetting | undefined;
  /** What may be promised of the machine beside the worker. */
  readonly localOffer: HostOffer;
  /** How many gateways all Docker hosts together may have; undefined: as many as there is room for. */
  readonly ceiling: number | undefined;
  readonly pool: Pool;
  /** What gateways may reach although it is private. */
  readonly allowed: readonly Exception[];
  /** Whether this worker puts the rules of the fence up on its own machine. */
  readonly putsFence: boolean;
  /** How gateways get out of this host. */
  readonly egress: Egress;
  /** Undefined: pages go only to the log. */
  readonly pager: { readonly url: string; readonly secret: Secret } | undefined;
  /** Whom to call once a minute; undefined: nobody. */
  readonly heartbeat: Secret | undefined;
  readonly exports: ExportsSetting;
  /** Address and port of the Prometheus metrics; undefined: no metrics. */
  readonly metricsAt: string | undefined;
  readonly logLevel: string;
  readonly slots: Slots;
};

/** How much a worker takes on at once. */
export type Slots = {
  readonly activities: number;
  /** Waits for a person or a device, which cost next to nothing. */
  readonly waits: number;
  readonly workflowTasks: number;
  readonly cachedWorkflows: number;
};

/** The prefix length of one gateway's subnet: 13 addresses for its one container. */
const subnetPrefix = 28;

const unixSocket = (text: string, context: z.RefinementCtx): string => {
  if (text.startsWith('unix:///')) return text.slice('unix://'.length);
  context.addIssue({
    code: 'custom',
    message: `must be unix:///path of a socket on this machine, not ${JSON.stringify(text)}: gateways are published on the engine's own loopback. Name it in hosts.toml, or run a worker beside that engine instead`,
  });
  return z.NEVER;
};

const isAddress = (text: string): boolean => {
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  const inside = /^\[(.+)\]$/.exec(host)?.[1];
  const isHost = inside === undefined ? isIP(host) === 4 : isIP(inside) === 6;
  return isHost && Number(port) > 0 && Number(port) <= 65_535;
};

const count = (least: number, most: number, otherwise: number) => {
  const message = `must be a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d+$/, message)
    .transform(Number)
    .pipe(z.number().min(least, message).max(most, message))
    .default(otherwise);
};

/**
 * One line per setting: variable, form, default, and why to set it. Only CREEL_KEY_FILE is elsewhere, in `keyFiles`.
 */
const settings = z.object({
  CREEL_CATALOGUE: z
    .string()
    .optional()
    .describe('TOML with a [[release]] table of version, image, dev for each release'),
  CREEL_DOCKER: z
    .string()
    .transform(unixSocket)
    .optional()
    .describe('the engine; default DOCKER_HOST, else the usual socket'),
  DOCKER_HOST: z.string().optional().describe("the engine as Docker's own tools name it"),
  CREEL_HOSTS: z
    .string()
    .optional()
    .describe('TOML with a [[host]] table of name, ssh, host_key, identity for each Docker host over SSH'),
  CREEL_LIGHTSAIL: z
    .string()
    .optional()
    .describe('TOML with workers and a [[fleet_key]] table of slot, identity: machines of AWS Lightsail'),
  CREEL_LIGHTSAIL_ENDPOINT: z
    .url({ protocol: /^https?$/, message: 'must be an http or https URL' })
    .optional()
    .describe('a stand-in for Amazon’s own, in tests and the demo'),
  CREEL_SUBNET_POOL: z
    .string()
    .default('10.213.0.0/16')
    .describe('where gateways get their networks: 4,096 of them by default'),
  CREEL_FIRST_PORT: count(1024, 65_000, 19_100).describe('the n-th subnet goes with the n-th port from here'),
  CREEL_GATEWAY_PROXY: z
    .string()
    .optional()
    .describe('the proxy through which all gateways of this host go out; no user or password in it'),
  CREEL_GATEWAY_NO_PROXY: z
    .string()
    .optional()
    .describe('hosts that they reach without it, with commas; loopback always is'),
  CREEL_GATEWAY_CA: z.string().optional().describe('a PEM file of authorities that they believe beside the known ones'),
  CREEL_PAGER_URL: z
    .url({ protocol: /^https?$/, message: 'must be an http or https URL' })
    .optional()
    .describe('webhook that tells a person'),
  CREEL_PAGER_SECRET: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]{32,}={0,2}$/, 'must be whsec_ and base64, as Standard Webhooks says')
    .optional()
    .describe('signs the pages; removed from the environment once read'),
  CREEL_METRICS: z
    .string()
    .refine(
      isAddress,
      'must be an IP address and a port, for example 127.0.0.1:9464; a name like localhost is not taken',
    )
    .optional()
    .describe('where Prometheus reads; off by default'),
  CREEL_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error'], 'must be trace, debug, info, warn or error')
    .default('info')
    .describe('debug and trace print payload metadata: not for production'),
  CREEL_ACTIVITIES: count(1, 1_000, 60).describe('calls at once: mostly waiting, bounded by sockets and the engine'),
  CREEL_WAITS: count(10, 20_000, 2_000).describe('devices and people waited for at once: each costs a few kilobytes'),
  CREEL_WORKFLOW_TASKS: count(2, 200, 10).describe("decisions at once: bounded by the worker's cores"),
  CREEL_WORKFLOW_CACHE: count(0, 10_000, 100).describe(
    'gateways kept in memory, up to 1 MB each; 0 replays every time, for tests',
  ),
});

type Settings = z.infer<typeof settings>;

/**
 * Reads every setting once, and removes the secret one from `env`. Throws one `Refused` that lists everything wrong.
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const wrong: string[] = [];
  const data = readSettings(env, wrong);
  delete env['CREEL_PAGER_SECRET'];
  const held = <T>(name: string, otherwise: T, read: () => T): T => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const line = `${name}: ${error.message}`;
      if (!wrong.includes(line)) wrong.push(line); // A file that says several things is read for each of them.
      return otherwise;
    }
  };
  const pool = { cidr: data.CREEL_SUBNET_POOL, prefix: subnetPrefix, firstPort: data.CREEL_FIRST_PORT };
  const { heartbeat, exports } = held<Scheduled>('CREEL_SCHEDULES', noSchedules, () => readSchedules(env));
  const usualCatalogue = join(directories(env).config, 'catalogue.toml');
  const usualLightsail = join(directories(env).config, 'lightsail.toml');
  const { usual: usualHosts } = hostsFile(env);
  const config: Config = {
    ...keyFiles(env),
    auditFile: join(directories(env).state, 'audit.jsonl'),
    catalogue: held('CREEL_CATALOGUE', [], () => readCatalogue(data.CREEL_CATALOGUE, usualCatalogue)),
    engineSocket: held('DOCKER_HOST', '', () => engineSocket(data)),
    hosts: held('CREEL_HOSTS', [], () => readHosts(data.CREEL_HOSTS, usualHosts)),
    lightsail: held('CREEL_LIGHTSAIL', undefined, () =>
      readLightsail(data.CREEL_LIGHTSAIL, usualLightsail, data.CREEL_LIGHTSAIL_ENDPOINT),
    ),
    localOffer: held('CREEL_HOSTS', {}, () => readLocalOffer(data.CREEL_HOSTS, usualHosts)),
    ceiling: held('CREEL_HOSTS', undefined, () => readCeiling(data.CREEL_HOSTS, usualHosts)),
    allowed: held('CREEL_HOSTS', [], () => readAllowed(data.CREEL_HOSTS, usualHosts)),
    putsFence: held('CREEL_HOSTS', false, () => readPutsFence(data.CREEL_HOSTS, usualHosts)),
    pool: held('CREEL_SUBNET_POOL', pool, () => slotPool(pool)),
    egress: egressOf(data, held),
    pager: held('CREEL_PAGER_URL', undefined, () => pager(data)),
    heartbeat,
    exports,
    metricsAt: data.CREEL_METRICS,
    logLevel: data.CREEL_LOG_LEVEL,
    slots: {
      activities: data.CREEL_ACTIVITIES,
      waits: data.CREEL_WAITS,
      workflowTasks: data.CREEL_WORKFLOW_TASKS,
      cachedWorkflows: data.CREEL_WORKFLOW_CACHE,
    },
  };
  if (wrong.length === 0) return config;
  throw new Refused(['the configuration is wrong:', ...wrong.map((line) => `  ${line}`)].join('\n'));
}

type Scheduled = Pick<Config, 'heartbeat' | 'exports'>;

const noSchedules: Scheduled = { heartbeat: undefined, exports: { directory: '', keep: 0 } };

/** The files of the key and of the secrets beside it: all that `creel init` and `creel secret` need to know. */
export function keyFiles(env: NodeJS.ProcessEnv): Pick<Config, 'keyFile' | 'secretsFile'> {
  const keyFile = env['CREEL_KEY_FILE'] || join(directories(env).data, 'master.key');
  return { keyFile, secretsFile: join(dirname(keyFile), 'secrets') };
}

/**
 * The settings as given. A wrong one is named in `wrong` and read as its default, so that the others are checked, too.
 */
function readSettings(env: NodeJS.ProcessEnv, wrong: string[]): Settings {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = settings.safeParse(given);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    const name = String(issue.path[0]);
    wrong.push(`${name}: ${issue.message}`);
    delete given[name];
  }
  return settings.parse(given);
}

function engineSocket(data: Settings): string {
  if (data.CREEL_DOCKER !== undefined) return data.CREEL_DOCKER;
  const host = data.DOCKER_HOST ?? 'unix:///var/run/docker.sock';
  if (host.startsWith('unix:///')) return host.slice('unix://'.length);
  throw new Refused(
    `${JSON.stringify(host)} is not a socket on this machine: gateways are published on the engine's own loopback. Name a local engine with CREEL_DOCKER=unix:///…, a host over SSH in hosts.toml, or run a worker beside that engine`,
  );
}

function egressOf(data: Settings, held: <T>(name: string, otherwise: T, read: () => T) => T): Egress {
  return {
    ...held('CREEL_GATEWAY_PROXY', straightOut, () => readEgress({ ...noEgress, proxy: data.CREEL_GATEWAY_PROXY })),
    ...held('CREEL_GATEWAY_CA', straightOut, () => readEgress({ ...noEgress, authorities: data.CREEL_GATEWAY_CA })),
    direct: held('CREEL_GATEWAY_NO_PROXY', [], () => directOf(data)),
  };
}

const noEgress = { proxy: undefined, direct: undefined, authorities: undefined };

function directOf(data: Settings): readonly string[] {
  const { direct } = readEgress({ ...noEgress, direct: data.CREEL_GATEWAY_NO_PROXY });
  if (direct.length > 0 && data.CREEL_GATEWAY_PROXY === undefined)
    throw new Refused('says what goes past a proxy, and there is none: CREEL_GATEWAY_PROXY is missing');
  return direct;
}

function pager(data: Settings): Config['pager'] {
  if (data.CREEL_PAGER_URL === undefined && data.CREEL_PAGER_SECRET === undefined) return undefined;
  if (data.CREEL_PAGER_URL === undefined) throw new Refused('missing, while CREEL_PAGER_SECRET is set');
  if (data.CREEL_PAGER_SECRET === undefined) throw new Refused('needs CREEL_PAGER_SECRET as well: pages are signed');
  return { url: data.CREEL_PAGER_URL, secret: new Secret(data.CREEL_PAGER_SECRET) };
}
