import { afterAll, beforeAll } from 'vitest';
import { RemoteHost } from '../../../src/adapters/ssh/remote-host.js';
import { foundSocket } from '../../ground/found.js';
import { SshMachine } from '../../ground/engines/ssh-machine.js';
import { doorContract } from '../door/door-contract.js';
import { prepareRealGateway } from '../door/real-gateway.js';

const machine = new SshMachine();
let host: RemoteHost | undefined;

beforeAll(() => machine.open().then(() => undefined));
afterAll(async () => {
  host?.close();
  await machine.close();
});

doorContract('the door of a real gateway over SSH', async () => {
  const over = new RemoteHost(machine.settings(foundSocket()), { signal: () => undefined });
  host = over;
  const { way } = over.engine;
  return prepareRealGateway('2026.9.6', { dial: (_place, port) => over.dial(port), ...(way && { way }) });
});
