import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NotYet, Refused } from '../../../src/domain/errors.js';
import { deviceFrom } from '../../../src/domain/keys/token.js';
import type { GatewayAtHand } from './door-contract.js';
import { letInAndTakeOut } from '../senders.js';
import { prepareRealGateway } from './real-gateway.js';

const older = '2026.6.11';
const scopes = ['operator.admin'];
const root = path.join(import.meta.dirname, '..', '..', '..');

let gateway: GatewayAtHand;

/** The older image is made when this test asks for it: about a minute, once a machine. */
beforeAll(async () => {
  await execa(path.join(root, 'scripts', 'bootstrap'), ['--release', older], { stdio: 'inherit' });
  gateway = await prepareRealGateway(older);
  await gateway.start();
}, 900_000);
afterAll(() => gateway?.remove());

test('the older release starts, which only /readyz can say (T5), and gives its inside operator.admin', async () => {
  await expect.poll(isStarted, { timeout: 120_000, interval: 200 }).toBe(true);
  const opened = await gateway.door.callInside(gateway.inside, [{ method: 'health', params: {} }]);
  expect(opened).toMatchObject({ kind: 'open', hello: { version: older, scopes }, answers: [{ ok: true }] });
});

test('a device is paired with the older release as with the newer, which adds the scopes that admin covers', async () => {
  const as = { token: gateway.inside.token, device: deviceFrom(randomBytes(32)), scopes };
  const asked = await gateway.door.knock(gateway.at, as);
  if (asked.kind !== 'pairing required') throw new Error(`pairing was not required: ${asked.kind}`);
  const approve = { method: 'device.pair.approve', params: { requestId: asked.requestId } };
  expect(await gateway.door.callInside(gateway.inside, [approve])).toMatchObject({ answers: [{ ok: true }] });
  const knock = await gateway.door.knock(gateway.at, as);
  if (knock.kind !== 'open') throw new Error(`the door did not open: ${knock.kind}`);
  expect(knock.session.hello.scopes).toEqual(expect.arrayContaining(scopes));
  knock.session.close();
});

test('the older release makes no one-time link, and that is refused with the release that does', async () => {
  await expect(gateway.door.mintLink(gateway.inside, gateway.at)).rejects.toThrow(Refused);
});

test(
  'S2-46: a chat sender is let in and taken out with the older release, which keeps its book in files',
  { timeout: 240_000 },
  () => letInAndTakeOut(gateway),
);

async function isStarted(): Promise<boolean> {
  try {
    await gateway.door.probeStartup(gateway.at);
    return true;
  } catch (error) {
    if (error instanceof NotYet) return false;
    throw error;
  }
}
