import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { deviceRows } from '../../src/cli/device-rows.js';
import { deviceIdOf } from '../../src/domain/device-id.js';
import { covers, describeWanted, isWanted, type KnownDevice, type PairedDevice } from '../../src/domain/device.js';
import { Refused } from '../../src/domain/errors.js';
import { excess, ordinaryScopes, type Pairing } from '../../src/domain/pairing.js';
import { deviceFrom } from '../../src/domain/token.js';

const kitchen: KnownDevice = {
  deviceId: 'a'.repeat(64),
  displayName: 'Kitchen',
  clientId: 'openclaw-ios',
  platform: 'ios',
  roles: ['operator'],
  scopes: ['operator.read'],
};

const change: Pairing = {
  kind: 'pair',
  wanted: { deviceId: kitchen.deviceId },
  role: 'operator',
  scopes: ordinaryScopes,
  waitMs: 60_000,
  since: 0,
};

describe('which device is meant', () => {
  test.each([
    [{ deviceId: 'a'.repeat(64) }, true],
    [{ deviceId: 'b'.repeat(64) }, false],
    [{ name: 'kitchen' }, true],
    [{ name: 'openclaw-IOS' }, true],
    [{ name: 'kitchen', platform: 'iOS' }, true],
    [{ name: 'kitchen', platform: 'android' }, false],
    [{ platform: 'ios' }, true],
    [{ name: 'Kitch' }, false],
  ])('%j: %s', (wanted, means) => {
    expect(isWanted(wanted, kitchen)).toBe(means);
    expect(describeWanted(wanted)).toMatch(/device/);
  });

  test('a public key stands for its id, and anything else is refused', () => {
    const { id, publicKey } = deviceFrom(Buffer.alloc(32, 7));
    expect(deviceIdOf(publicKey)).toBe(id);
    expect(deviceIdOf(id)).toBe(id);
    const { privateKey } = generateKeyPairSync('ed25519');
    const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    for (const wrong of ['', 'Kitchen', id.slice(1), id.toUpperCase(), `${publicKey}=`, pem])
      expect(() => deviceIdOf(wrong)).toThrow(Refused);
  });
});

describe('what a device may have', () => {
  test('operator.admin covers every scope, nothing else covers another', () => {
    expect(covers(['operator.admin'], ['operator.pairing', 'operator.read'])).toBe(true);
    expect(covers(['operator.write'], ['operator.read'])).toBe(false);
    expect(covers([], [])).toBe(true);
  });

  test.each([
    [{}, []],
    [{ scopes: ['operator.write', 'operator.talk'] }, []],
    [{ scopes: ['operator.talk.secrets', 'operator.admin'] }, ['operator.admin', 'operator.talk.secrets']],
    [{ scopes: ['operator.pairing'] }, ['operator.pairing']],
    [{ roles: ['node'], scopes: [] }, ['role node']],
    [{ roles: ['operator', 'node'] }, ['role node']],
  ])('of %j it is beyond the ordinary: %j', (extra, beyond) => {
    expect(excess(change, { ...kitchen, ...extra })).toEqual(beyond);
  });

  test('what a pairing allows beside it is not beyond', () => {
    const scopes = [...ordinaryScopes, 'operator.admin'];
    expect(excess({ ...change, scopes }, { ...kitchen, scopes: ['operator.admin', 'operator.pairing'] })).toEqual([]);
    expect(excess({ ...change, role: 'node' }, { ...kitchen, roles: ['node'] })).toEqual([]);
  });
});

test('the table of devices says who approved which', () => {
  const device = (deviceId: string, approvedVia = 'owner', lastSeenAtMs = 0): PairedDevice => ({
    ...kitchen,
    deviceId,
    approvedVia,
    lastSeenAtMs,
    createdAtMs: 1,
    approvedAtMs: 1,
  });
  const [own, ours, theirs, link] = ['1', '2', '3', '4'].map((digit) => digit.repeat(64)) as [
    string,
    string,
    string,
    string,
  ];
  const paired = [device(own), device(ours, 'owner', 30_000), device(theirs), device(link, 'bootstrap')];
  const pending = [{ ...kitchen, requestId: 'r', remoteIp: '10.0.0.1', ts: 55_000 }];
  const rows = deviceRows({ own, paired, pending }, [ours], 60_000);
  expect(rows.map((row) => [row[0]?.[0], row[3], row[6], row[7]])).toEqual([
    ['a', 'asks, 5 seconds ago, from 10.0.0.1', '', ''],
    ['1', 'paired', 'creel (its own)', 'never'],
    ['2', 'paired', 'creel', '30 seconds ago'],
    ['3', 'paired', 'somebody else', 'never'],
    ['4', 'paired', 'a one-time link', 'never'],
  ]);
});
