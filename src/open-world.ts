import type { Logger } from 'pino';
import { AuditFile } from './adapters/audit-file.js';
import { DockerodeEngine } from './adapters/docker-engine.js';
import { OpenclawDoor } from './adapters/gateway-door.js';
import { localDial } from './adapters/local-dial.js';
import { LocalHost } from './adapters/local-host.js';
import { LogPager } from './adapters/log-pager.js';
import { SecretFile } from './adapters/secret-file.js';
import { WebhookPager } from './adapters/webhook-pager.js';
import type { Config } from './config.js';
import { secretStoreKey, type MasterKey } from './domain/token.js';
import type { SecretStore } from './ports/secret-store.js';
import type { World } from './world.js';

export type Opening = {
  readonly config: Pick<Config, 'catalogue' | 'pool' | 'engineSocket' | 'secretsFile' | 'auditFile' | 'pager'>;
  readonly key: MasterKey;
  readonly deployment: string;
  /** The cancellation of the activity that is running, if any. */
  readonly signal: () => AbortSignal | undefined;
  readonly log: Logger;
};

/** The real world: the only place that makes adapters. A secret file that this key does not open is `Refused`. */
export function openWorld({ config, key, deployment, signal, log }: Opening): World {
  const engineSocket = { socketPath: config.engineSocket, signal };
  const engine = new DockerodeEngine(engineSocket);
  const engineAt = () => engine;
  return {
    key,
    catalogue: config.catalogue,
    pool: config.pool,
    hosts: new LocalHost(engineSocket),
    engineAt,
    door: new OpenclawDoor({ dial: localDial, engineAt, signal }),
    secrets: openSecrets(config, key, deployment),
    audit: new AuditFile(config.auditFile),
    pager: config.pager ? new WebhookPager(config.pager) : new LogPager(log),
  };
}

/** The store of customers' secrets. A file that this key does not open is `Refused`. */
export function openSecrets(config: Pick<Config, 'secretsFile'>, key: MasterKey, deployment: string): SecretStore {
  return SecretFile.open(config.secretsFile, secretStoreKey(key, deployment));
}
