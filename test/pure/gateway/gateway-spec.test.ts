import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  birthFrom,
  carries,
  gatewayBirth,
  gatewayId,
  markLabels,
  names,
  type Mark,
} from '../../../src/domain/gateway/gateway.js';
import { canonical, demandWhole, gatewaySpec, sameSpec, type GatewaySpec } from '../../../src/domain/gateway/spec.js';
import { refusal } from '../refusal.js';

const spec: GatewaySpec = {
  release: '2026.9.6',
  dev: false,
  memoryMb: 2048,
  cpus: 2,
  keepStateMs: 0,
  parkMs: 0,
  channels: [{ kind: 'telegram', secrets: { botToken: 'secret:g42-telegram' }, allowFrom: ['@me'] }],
};

describe('a spec', () => {
  test('is taken as given', () => {
    expect(gatewaySpec(spec)).toEqual(spec);
  });

  test('loses nothing on the wire', () => {
    expect(gatewaySpec(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
  });

  test.each([
    ['release', 'latest', 'floating names'],
    ['release', undefined, 'not a version'],
    ['dev', 'yes', 'dev must be true or false'],
    ['memoryMb', 1535, 'too little'],
    ['memoryMb', '2048', 'memory is "2048"'],
    ['memoryMb', Number.NaN, 'memory is null'],
    ['memoryMb', 262_145, 'memory 262145 MB is too much: 256 GB at most'],
    ['cpus', 0.4, 'cpus is 0.4'],
    ['cpus', Number.POSITIVE_INFINITY, 'cpus is null'],
    ['keepStateMs', -1, 'keep_state is -1'],
    ['keepStateMs', 367 * 24 * 3_600_000, 'keep_state 367 days is too long: 366 days at most'],
    ['parkMs', -1, 'park_for is -1'],
    ['channels', 'telegram', 'channels must be a list'],
    ['channels', [...spec.channels, ...spec.channels], 'one kind twice'],
    ['authMode', 'none', 'unknown fields: authMode'],
  ])('with %s %j is refused', (field, value, why) => {
    expect(refusal(() => gatewaySpec({ ...spec, [field]: value }))).toContain(why);
  });

  test.each([
    ['memoryMb', 1536.5],
    ['keepStateMs', 0.5],
    ['parkMs', 1.5],
    ['keepFormerMs', 1e7 + 0.25],
  ])('that asks for %s %j is refused, and goes on where it stands on record', (field, value) => {
    const asked = gatewaySpec({ ...spec, [field]: value });
    expect(refusal(() => demandWhole(asked, spec))).toContain(`${field} is ${value}: it must be a whole number`);
    expect(refusal(() => demandWhole({ [field]: value }))).toContain(`${field} is ${value}`);
    demandWhole(asked, asked);
    demandWhole({ diskMb: 'none' }, spec);
    demandWhole({}, asked);
  });

  test.each([null, undefined, 'spec', 7])('that is %j is refused', (raw) => {
    expect(refusal(() => gatewaySpec(raw))).toContain('not an object');
  });

  test('below 1.5 GB is refused with the floor and the reason (S0-25)', () => {
    expect(refusal(() => gatewaySpec({ ...spec, memoryMb: 1024 }))).toMatch(/1\.5 GB \(1536 MB\).*kills it/);
    expect(gatewaySpec({ ...spec, memoryMb: 1536 }).memoryMb).toBe(1536);
  });

  test('has no place for a weak mode: auth, DM policy and device auth cannot be said (S0-10, S0-12, S4-40)', () => {
    for (const weak of [{ auth: { mode: 'none' } }, { dmPolicy: 'open' }, { deviceAuth: false }]) {
      expect(refusal(() => gatewaySpec({ ...spec, ...weak }))).toContain('unknown fields');
    }
  });

  test('is the same whatever the order of its fields, and another for any other value', () => {
    const turned = gatewaySpec(Object.fromEntries(Object.entries(spec).toReversed()));
    expect(sameSpec(spec, turned)).toBe(true);
    expect(sameSpec(spec, { ...spec, cpus: 1 })).toBe(false);
    expect(sameSpec(spec, { ...spec, channels: [] })).toBe(false);
  });

  test('takes part in rotations of the fleet only when it says so; manual is what a spec without the word says', () => {
    expect(gatewaySpec({ ...spec, repair: 'scheduled' }).repair).toBe('scheduled');
    expect(gatewaySpec({ ...spec, repair: 'manual' })).not.toHaveProperty('repair');
    expect(gatewaySpec(spec)).not.toHaveProperty('rotation');
    expect(sameSpec(gatewaySpec({ ...spec, rotation: 'manual' }), gatewaySpec(spec))).toBe(true);
    expect(gatewaySpec({ ...spec, rotation: 'scheduled' }).rotation).toBe('scheduled');
    expect(sameSpec(gatewaySpec({ ...spec, rotation: 'scheduled' }), gatewaySpec(spec))).toBe(false);
    expect(refusal(() => gatewaySpec({ ...spec, rotation: 'weekly' }))).toContain('"manual" or "scheduled"');
  });

  test('canonical JSON says the same as JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonical(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe('a gateway id', () => {
  test.each(['g', 'g42', 'a-b', 'a'.repeat(30)])('may be %s', (id) => {
    expect(gatewayId(id)).toBe(id);
  });

  test.each(['', '4g', 'G42', 'g42-', '-g', 'g_2', 'g.2', 'g/2', 'a'.repeat(31), 'g42\n', 42, null])(
    'is refused as %j',
    (id) => {
      expect(refusal(() => gatewayId(id))).toContain('For example: g42');
    },
  );

  test('gives names that an engine takes, as a host name too', () => {
    const { container, writer, volume } = names({ gateway: 'a'.repeat(30), birth: '7k3fq2' });
    for (const name of [container, writer, volume]) expect(name).toMatch(/^[a-z0-9][a-z0-9-]{1,62}$/);
  });
});

describe('a birth', () => {
  test('is six letters without those that look alike, from any six bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 40 }), (bytes) => {
        expect(gatewayBirth(birthFrom(bytes))).toMatch(/^[a-km-z2-9]{6}$/);
      }),
    );
  });

  test.each(['', '7k3fq', '7k3fq22', '7K3FQ2', '7k3f-2', '7k3f01', 7])('is refused as %j', (birth) => {
    expect(refusal(() => gatewayBirth(birth))).toContain('`creel describe` shows it');
  });

  test('no two lives share a name', () => {
    expect(names({ gateway: 'g42', birth: 'aaaaaa' }).container).not.toBe(
      names({ gateway: 'g42', birth: 'aaaaab' }).container,
    );
  });
});

describe('a mark', () => {
  const mark: Mark = { deployment: 'abcdefghij', gateway: 'g42', birth: '7k3fq2', layout: 1 };

  test('is carried by its own labels, beside others', () => {
    expect(carries({ ...markLabels(mark), maintainer: 'x' }, mark)).toBe(true);
  });

  test.each(['creel.deployment', 'creel.gateway', 'creel.birth', 'creel.layout'])(
    'is not carried without %s',
    (label) => {
      const { [label]: _missing, ...rest } = markLabels(mark);
      expect(carries(rest, mark)).toBe(false);
    },
  );

  test.each([{ deployment: 'abcdefghik' }, { gateway: 'g43' }, { birth: '7k3fq3' }])('is another with %j', (other) => {
    expect(carries(markLabels({ ...mark, ...other }), mark)).toBe(false);
  });

  test('of a later layout is still ours: a newer creel owns what an older one made, and the other way round', () => {
    expect(carries(markLabels({ ...mark, layout: 2 }), mark)).toBe(true);
  });
});
