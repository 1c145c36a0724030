import { DockerodeEngine } from '../../../src/adapters/docker/engine.js';
import { relayFor } from '../../../src/adapters/registries/relay.js';
import { RemoteHost } from '../../../src/adapters/ssh/remote-host.js';
import type { SshHost } from '../../../src/domain/hosts/ssh-host.js';

/** The main of a process that has an engine pull through it, as a worker does: `node main.js HOST-AS-JSON REFERENCE`. */
const [settings = '', reference = ''] = process.argv.slice(2);
const host = new RemoteHost(JSON.parse(settings) as SshHost, { signal: () => undefined });
const engine = new DockerodeEngine({ ...host.engine, ...relayFor('worker', host) });
await engine.pullImage(reference, () => undefined);
host.close();
