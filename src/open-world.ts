import type { Logger } from 'pino';
import { AuditFile } from './adapters/files/audit-file.js';
import { ExportDirectory } from './adapters/files/export-directory.js';
import { OpenclawDoor } from './adapters/openclaw/door.js';
import { localDial } from './adapters/hosts/local-dial.js';
import { LocalHost } from './adapters/hosts/local-host.js';
import { ReachedHosts } from './adapters/hosts/reached-hosts.js';
import { pullLogin } from './adapters/registries/pull-logins.js';
import { relayFor } from './adapters/registries/relay.js';
import { RemoteHost } from './adapters/ssh/remote-host.js';
import { Lightsail } from './open-lightsail.js';
import { HeartbeatUrl } from './adapters/pager/heartbeat-url.js';
import { LogPager } from './adapters/pager/log-pager.js';
import { SecretFile, type StoreKey } from './adapters/files/secret-file.js';
import { WebhookPager } from './adapters/pager/webhook-pager.js';
import type { Config } from './settings/config.js';
import type { FormerIds } from './domain/hosts/engine-id.js';
import type { Place } from './domain/hosts/place.js';
import { firstEpoch, type Epoch } from './domain/recovery/epoch.js';
import type { KeyRing } from './domain/keys/key-ring.js';
import { startPeriodMs } from './domain/thresholds.js';
import { secretStoreKey, type MasterKey } from './domain/keys/token.js';
import { readBackup } from './settings/key-backup.js';
import { versionText } from './settings/version.js';
import { FenceBook } from './world/fence-book.js';
import type { World } from './world/world.js';

export type Opening = {
  readonly config: Pick<
    Config,
    'catalogue' | 'pool' | 'egress' | 'engineSocket' | 'secretsFile' | 'auditFile' | 'pager'
  > &
    Partial<
      Pick<Config, 'allowed' | 'putsFence' | 'heartbeat' | 'exports' | 'hosts' | 'lightsail' | 'localOffer' | 'ceiling'>
    >;
  readonly keys: KeyRing;
  readonly deployment: string;
  /** The first one when absent. */
  readonly epoch?: Epoch | undefined;
  /** The ids by which records may still name the engine; none when absent. */
  readonly formerIds?: FormerIds;
  /** The cancellation of the current activity, if any. */
  readonly signal: () => AbortSignal | undefined;
  readonly log: Logger;
};

/** The real world: the only place that makes adapters. A secret file that no key here opens is `Refused`. */
export function openWorld({ config, keys, deployment, epoch = firstEpoch, formerIds, signal, log }: Opening): World {
  const bought =
    config.lightsail && new Lightsail(config.lightsail, { deployment, signal, ...(formerIds && { formerIds }) });
  const hosts = openHosts(config, signal, bought, formerIds);
  const engineAt = (place: Place) => hosts.engineAt(place);
  const dial = (place: Place, port: number) => hosts.dial(place, port);
  return {
    epoch,
    keys,
    catalogue: config.catalogue,
    pool: config.pool,
    egress: config.egress,
    allowed: config.allowed ?? [],
    putsFence: config.putsFence ?? false,
    fences: new FenceBook(),
    hosts,
    ceiling: config.ceiling,
    machines: bought?.machines,
    engineAt,
    door: new OpenclawDoor({ dial, engineAt, signal }),
    secrets: openSecrets(config, () => keys.all(), deployment),
    audit: new AuditFile(config.auditFile),
    heartbeat: config.heartbeat && new HeartbeatUrl(config.heartbeat),
    exports: config.exports && new ExportDirectory(config.exports),
    startPeriodMs,
    about: { creel: versionText(), deployment, pager: config.pager !== undefined },
    readBackup: () => readBackup(config),
    close: () => {
      hosts.close();
      bought?.close();
    },
    pager: config.pager ? new WebhookPager(config.pager) : new LogPager(log),
  };
}

/** The machine of this process, and those that it reaches over SSH. */
function openHosts(
  {
    engineSocket,
    hosts = [],
    localOffer,
  }: Pick<Config, 'engineSocket'> & Partial<Pick<Config, 'hosts' | 'localOffer'>>,
  signal: Opening['signal'],
  bought?: Lightsail,
  formerIds?: FormerIds,
): ReachedHosts {
  const engine = { socketPath: engineSocket, signal, login: pullLogin };
  const dial = (port: number) => localDial({ provider: 'local', host: 'local' }, port);
  const here = { name: 'local', host: new LocalHost(engine, formerIds, localOffer), engine, dial };
  const others = hosts.map((settings) => {
    const host = new RemoteHost(settings, { signal, ...(formerIds && { formerIds }) });
    const { name } = settings;
    return {
      name,
      host,
      engine: { ...host.engine, login: pullLogin, ...relayFor(settings.pull, host) },
      dial: (port: number) => host.dial(port),
      close: () => host.close(),
    };
  });
  return new ReachedHosts(here, others, formerIds, bought && ((place) => bought.reach(place)));
}

/**
 * The store of customers' secrets, under keys that are read anew, newest first. A file that none of them opens is
 * `Refused`.
 */
export function openSecrets(
  { secretsFile }: Pick<Config, 'secretsFile'>,
  keys: () => readonly MasterKey[],
  deployment: string,
): SecretFile {
  const bytes = new Map<string, Buffer>();
  const storeKey = (key: MasterKey): StoreKey => {
    const known = bytes.get(key.id) ?? secretStoreKey(key, deployment);
    bytes.set(key.id, known);
    return { id: key.id, bytes: known };
  };
  return SecretFile.open(secretsFile, () => keys().map(storeKey));
}
