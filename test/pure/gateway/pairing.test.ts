import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { deviceRows } from '../../../src/cli/show/devices/device-rows.js';
import { deviceIdOf } from '../../../src/domain/keys/device-id.js';
import {
  covers,
  describeWanted,
  idBeginning,
  isBeginning,
  isWanted,
  type KnownDevice,
  type PairedDevice,
} from '../../../src/domain/devices/device.js';
import { Refused } from '../../../src/domain/errors.js';
import {
  excess,
  hasConnected,
  isApprovedSince,
  isNewSince,
  isOvertaken,
  ordinaryScopes,
  type Pairing,
} from '../../../src/domain/changes/pairing.js';
import { deviceFrom } from '../../../src/domain/keys/token.js';

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

describe('a device by the beginning of its id', () => {
  const [one, other] = [`1f0c23ab${'0'.repeat(56)}`, `1f0c23ab${'1'.repeat(56)}`];

  test.each([
    ['1f0c23ab', true],
    [one.slice(0, 63), true],
    ['a'.repeat(43), true],
    ['1f0c23a', false],
    [one, false],
    ['1F0C23AB', false],
    ['Kitchens', false],
  ])('%s can be one: %s', (raw, can) => expect(isBeginning(raw)).toBe(can));

  test('is the one that begins so; none and more than one are refused, saying which', () => {
    expect(idBeginning('1f0c23ab1', [one, other, other], 'g42')).toBe(other);
    expect(() => idBeginning('1f0c23ab', [one, other], 'g42')).toThrow(
      `more than one device begins with 1f0c23ab: ${one}, ${other}`,
    );
    expect(() => idBeginning('2f0c23ab', [one, other], 'g42')).toThrow(/no device of g42 .*`creel devices g42`/);
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

describe('an approval is this pairing’s', () => {
  const since = 10_000;
  const approvedAt = (at: number): PairedDevice => ({
    ...kitchen,
    approvedVia: 'owner',
    createdAtMs: at,
    approvedAtMs: at,
    lastSeenAtMs: 0,
    connected: false,
  });

  test.each([
    ['since it began', approvedAt(10_001), [], true],
    ['a little before by a clock that is behind', approvedAt(8_001), [], true],
    ['long before', approvedAt(7_999), [], false],
    ['a little before by the pairing before it', approvedAt(9_999), [kitchen.deviceId], false],
    ['since it began, for more than the pairing before it', approvedAt(10_001), [kitchen.deviceId], true],
  ])('%s', (_, device, approved, ours) => {
    const pairing = { ...change, since, approved };
    expect([isApprovedSince(pairing, device), isNewSince(pairing, device)]).toEqual([ours, ours]);
  });
});

/** What both releases were seen to list when a device knocked again and again while its request was approved. */
describe('a connection that was under way while the device was approved', () => {
  const row = (seen: Partial<PairedDevice>): PairedDevice => ({
    ...kitchen,
    approvedVia: 'owner',
    createdAtMs: 5_000,
    approvedAtMs: 5_000,
    lastSeenAtMs: 0,
    connected: false,
    ...seen,
  });

  test.each([
    ['never', {}, false],
    ['after it', { lastSeenAtMs: 5_000 }, true],
    ['before it, without anything else to be let in with', { lastSeenAtMs: 4_999 }, true],
    ['at no noted time, and it is open', { connected: true }, true],
    ['before more was approved', { createdAtMs: 1, lastSeenAtMs: 4_999, connected: true }, false],
  ])('%s: %j', (_, seen, connected) => {
    expect(hasConnected(row(seen))).toBe(connected);
  });

  test.each([
    ['the same wish, noted while it was approved', { ts: 5_020 }, true],
    ['the same wish, long after', { ts: 25_000 }, false],
    ['a wish for more', { ts: 5_020, scopes: ['operator.write'] }, false],
    ['a wish for another role', { ts: 5_020, roles: ['node'] }, false],
  ])('leaves a request behind: %s', (_, wish, overtaken) => {
    const request = { ...kitchen, requestId: 'r', remoteIp: '10.0.0.1', ...wish };
    expect(isOvertaken(request, row({}))).toBe(overtaken);
  });
});

test('the table of devices says who approved which', () => {
  const device = (deviceId: string, approvedVia = 'owner', lastSeenAtMs = 0): PairedDevice => ({
    ...kitchen,
    deviceId,
    approvedVia,
    lastSeenAtMs,
    connected: deviceId.startsWith('4'),
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
    ['4', 'paired', 'a one-time link', 'connected'],
  ]);
});
