import { fingerprint } from '../adapters/ssh/errors.js';
import { RemoteHost } from '../adapters/ssh/remote-host.js';
import { readShownKey } from '../adapters/ssh/shown-key.js';
import { demandFit, describeEngine } from '../domain/hosts/engine.js';
import { describeSshHost, type HostKey, type SshHost } from '../domain/hosts/ssh-host.js';

/** What was seen of a host before it is named in the settings. */
export type SeenHost = {
  readonly engine: string;
  readonly version: string;
  readonly memoryMb: number;
  readonly cpus: number;
};

/** The host key that a host shows, and its fingerprint, for somebody to compare. Nothing was sent to the host. */
export async function shownKey(host: SshHost): Promise<{ readonly key: HostKey; readonly fingerprint: string }> {
  const key = await readShownKey(host);
  return { key, fingerprint: fingerprint(Buffer.from(key.base64, 'base64')) };
}

/** Looks at a host as a worker would; whatever keeps a worker off it, or its engine from carrying gateways, is thrown. */
export async function lookAtHost(settings: SshHost): Promise<SeenHost> {
  const host = new RemoteHost(settings, { signal: () => undefined });
  try {
    const { engine, engineId, memoryMb, cpus } = await host.readHost({ provider: 'local', host: settings.name });
    demandFit(engine, describeSshHost(settings));
    return { engine: engineId, version: describeEngine(engine), memoryMb, cpus };
  } finally {
    host.close();
  }
}
