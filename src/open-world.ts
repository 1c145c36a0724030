import type { Logger } from 'pino';
import { AuditFile } from './adapters/files/audit-file.js';
import { ExportDirectory } from './adapters/files/export-directory.js';
import { DockerodeEngine } from './adapters/docker/engine.js';
import { EngineIdentity } from './adapters/docker/identity.js';
import { OpenclawDoor } from './adapters/openclaw/door.js';
import { localDial } from './adapters/hosts/local-dial.js';
import { LocalHost } from './adapters/hosts/local-host.js';
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
import type { World } from './world/world.js';

export type Opening = {
  readonly config: Pick<
    Config,
    'catalogue' | 'pool' | 'egress' | 'engineSocket' | 'secretsFile' | 'auditFile' | 'pager'
  > &
    Partial<Pick<Config, 'heartbeat' | 'exports'>>;
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
  const engineSocket = { socketPath: config.engineSocket, signal };
  const identity = new EngineIdentity(engineSocket, formerIds);
  const engineAt = (place: Place) => new DockerodeEngine({ ...engineSocket, identity: identity.of(place) });
  return {
    epoch,
    keys,
    catalogue: config.catalogue,
    pool: config.pool,
    egress: config.egress,
    hosts: new LocalHost(engineSocket, formerIds),
    engineAt,
    door: new OpenclawDoor({ dial: localDial, engineAt, signal }),
    secrets: openSecrets(config, () => keys.all(), deployment),
    audit: new AuditFile(config.auditFile),
    heartbeat: config.heartbeat && new HeartbeatUrl(config.heartbeat),
    exports: config.exports && new ExportDirectory(config.exports),
    startPeriodMs,
    about: { creel: versionText(), deployment, pager: config.pager !== undefined },
    readBackup: () => readBackup(config),
    pager: config.pager ? new WebhookPager(config.pager) : new LogPager(log),
  };
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
