import { existsSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { demandHost, demoHost, costsOn, holdHost, letGoOfHost } from '../../../src/dev/demo-host.js';
import { homeIn, type DemoHome } from '../../../src/dev/demo-home.js';
import { agreed } from '../../../src/dev/demo-price.js';
import { scratchDirectory } from '../../world/scratch.js';

const standIn = { kind: 'stand-in', region: 'eu-central-1' } as const;
const bought = { kind: 'lightsail', region: 'us-east-1' } as const;

let home: DemoHome;
beforeEach(() => {
  home = homeIn(scratchDirectory('creel-demo-host-'));
});

describe('where the demo puts its gateway (K-1)', () => {
  it('is this machine, a machine of the stand-in, and a real one only where a region is named', () => {
    expect(demoHost({})).toEqual({ kind: 'local' });
    expect(demoHost({ host: 'lightsail' })).toEqual(standIn);
    expect(demoHost({ host: 'lightsail', region: 'us-east-1' })).toEqual(bought);
    expect(() => demoHost({ region: 'us-east-1' })).toThrow('goes with --host lightsail');
    expect(() => demoHost({ host: 'moon' })).toThrow('it must be "lightsail"');
    expect(() => demoHost({ host: 'lightsail', region: 'Frankfurt' })).toThrow('is no region');
  });

  it.each([
    [bought, standIn, 'npm run demo -- --host lightsail --region us-east-1 --once'],
    [bought, { ...bought, region: 'eu-west-1' }, 'npm run demo -- --host lightsail --region us-east-1 --once'],
    [bought, { kind: 'local' }, 'npm run demo -- --host lightsail --region us-east-1 --once'],
    [standIn, bought, 'npm run demo -- --host lightsail --once'],
  ] as const)(
    'while something stands on %o, another demo on %o is refused, and told how to end it',
    (one, other, how) => {
      holdHost(home, one);
      expect(() => demandHost(home, other)).toThrow(`\`${how}\` ends it`);
      demandHost(home, one);
      letGoOfHost(home, true);
      demandHost(home, other);
    },
  );

  it('costs on while a bought machine is left, and says what ends that', () => {
    expect(costsOn(home)).toBeUndefined();
    holdHost(home, standIn);
    expect(costsOn(home)).toBeUndefined();
    holdHost(home, bought);
    letGoOfHost(home, false);
    expect(costsOn(home)).toContain(
      'until `npm run demo -- --host lightsail --region us-east-1 --once` has removed it',
    );
    letGoOfHost(home, true);
    expect(existsSync(home.machines)).toBe(false);
  });
});

describe('the price of its machine', () => {
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  const never = new Promise<void>(() => undefined);
  beforeEach(() => void (said.length = 0));

  it('is said, and a real one wants a yes', async () => {
    const offer = 'machine in us-east-1a: small_3_0 (12 USD a month)';
    expect(await agreed(offer, standIn, { yes: undefined, say, over: never })).toBe(true);
    expect(said.join()).toContain(`for nothing. At AWS this would be a ${offer}`);
    expect(await agreed(offer, bought, { yes: 'demo', say, over: never })).toBe(true);
    expect(said.join()).toContain(`This buys a ${offer}`);
    expect(await agreed(offer, bought, { yes: 'yes', say, over: never })).toBe(false);
    expect(said.at(-1)).toContain('Nothing was bought: "yes" is not demo');
  });
});
