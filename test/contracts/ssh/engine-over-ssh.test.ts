import { afterAll, beforeAll, expect, test } from 'vitest';
import { RemoteHost } from '../../../src/adapters/ssh/remote-host.js';
import { foundSocket } from '../../ground/found.js';
import { listen } from '../../ground/listen.js';
import { openDocker } from '../../ground/engines/open-docker.js';
import { SshMachine } from '../../ground/engines/ssh-machine.js';
import { engineContract } from '../engine/engine-contract.js';
import { hostContract } from '../host-contract.js';

const machine = new SshMachine();
let hosts: readonly RemoteHost[] = [];

beforeAll(async () => {
  await machine.open();
  const settings = machine.settings(foundSocket());
  hosts = [0, 1].map(() => new RemoteHost(settings, { signal: () => undefined }));
});
afterAll(async () => {
  for (const host of hosts) host.close();
  await machine.close();
});

function host(index: 0 | 1 = 0): RemoteHost {
  const found = hosts[index];
  if (!found) throw new Error('no machine was opened');
  return found;
}

engineContract('a real Docker engine over SSH', () => openDocker(host().engine.way));

hostContract('this machine over SSH', () => ({
  host: host(),
  again: host(1),
  occupyPort: (port) => listen(port, '127.0.0.1'),
}));

test('all of it went through one connection for each host', () => {
  expect(machine.connections).toBe(2);
});
