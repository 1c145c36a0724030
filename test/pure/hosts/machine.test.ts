import { describe, expect, test } from 'vitest';
import { Refused } from '../../../src/domain/errors.js';
import { firewallFor, isSameFirewall } from '../../../src/domain/hosts/firewall.js';
import { fleetKey, fleetKeyName, readFleetKeyName } from '../../../src/domain/hosts/fleet-key.js';
import {
  chooseSize,
  chooseSystem,
  describeSize,
  machineNames,
  readAddressName,
  type MachineSize,
} from '../../../src/domain/hosts/machine.js';

const mark = { deployment: 'abcdefghij', gateway: 'g42', birth: '7k3fq2', layout: 1 };
const line = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1Z2J0Zm9vYmFyYmF6cXV4eHl6enkwMTIzNDU2Nzg5 creel@worker';

/*
 * Layout 1, frozen like the names of containers: machines and addresses that are paid for bear these names. Another name
 * is a new layout beside this one.
 */
describe('names in a region, layout 1', () => {
  test('are derived from whose a thing is', () => {
    expect(machineNames(mark)).toEqual({
      machine: 'oc-g42-7k3fq2',
      address: 'oc-abcdefghij-g42-7k3fq2-ip',
    });
    expect(fleetKeyName('abcdefghij', fleetKey('a', line))).toBe('oc-abcdefghij-key-a-ce23cbf7');
  });

  test('say whose an address and a key are, which carry no marks', () => {
    expect(readAddressName('oc-abcdefghij-g42-7k3fq2-ip')).toEqual(mark);
    expect(readAddressName('oc-abcdefghij-a-b-c-7k3fq2-ip')).toEqual({ ...mark, gateway: 'a-b-c' });
    for (const other of ['oc-g42-7k3fq2', 'my-ip', 'oc-short-g42-7k3fq2-ip', 'oc-abcdefghij-g42-7K3FQ2-ip', ''])
      expect(readAddressName(other)).toBeUndefined();
    expect(readFleetKeyName('oc-abcdefghij-key-b-0123abcd')).toEqual({ deployment: 'abcdefghij', slot: 'b' });
    for (const other of ['oc-abcdefghij-key-c-0123abcd', 'oc-abcdefghij-key-b', 'LightsailDefaultKeyPair'])
      expect(readFleetKeyName(other)).toBeUndefined();
  });

  test('are accepted by Lightsail whatever the gateway is called', () => {
    const longest = { ...mark, gateway: `a${'-9'.repeat(14)}z` };
    for (const name of Object.values(machineNames(longest))) {
      expect(name).toMatch(/^[a-z][a-z0-9-]{0,61}[a-z0-9]$/);
      expect(new Set(Object.values(machineNames(longest))).size).toBe(2);
    }
  });
});

describe('a fleet key', () => {
  test('is taken without its comment, so that a comment makes no other key', () => {
    expect(fleetKey('a', `${line}\n`)).toEqual(fleetKey('a', line.split(' ').slice(0, 2).join(' ')));
  });

  test.each([
    '',
    'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC',
    '-----BEGIN OPENSSH PRIVATE KEY-----',
    'ssh-ed25519 short',
  ])('of another form is refused: %s', (other) => expect(() => fleetKey('a', other)).toThrow(Refused));
});

describe('a firewall', () => {
  test('lets workers to port 22 and nobody anywhere else', () => {
    const { rules } = firewallFor({ workers: ['198.51.100.7/32', '10.0.0.0/8', '10.0.0.0/8'], ingress: 'none' });
    expect(rules).toEqual([{ port: 22, from: ['10.0.0.0/8', '198.51.100.7/32'] }]);
  });

  test('has each network by its first address, as the provider says it back', () => {
    const { rules } = firewallFor({ workers: ['198.51.100.77/24', '198.51.100.0/24', '9.1.2.3/9'], ingress: 'none' });
    expect(rules).toEqual([{ port: 22, from: ['198.51.100.0/24', '9.0.0.0/9'] }]);
  });

  test('lets everybody to 80 and 443 where there is a public name, and never to the gateway’s port', () => {
    const { rules } = firewallFor({ workers: ['198.51.100.7/32'], ingress: 'public' });
    expect(rules.map(({ port }) => port)).toEqual([22, 80, 443]);
    expect(rules[0]?.from).toEqual(['198.51.100.7/32']);
    expect(rules.slice(1).every(({ from }) => from.join() === '0.0.0.0/0')).toBe(true);
  });

  test.each([[[]], [['0.0.0.0/0']], [['198.51.100.7']], [['300.1.1.1/32']], [['2001:db8::/64']], [['everybody']]])(
    'that lets nobody, or everybody, to port 22 is refused: %j',
    (workers) => expect(() => firewallFor({ workers, ingress: 'none' })).toThrow(Refused),
  );

  test('is the same one in another order, and not with another network', () => {
    const one = firewallFor({ workers: ['10.0.0.0/8', '198.51.100.7/32'], ingress: 'public' });
    expect(isSameFirewall(one, { rules: one.rules.toReversed() })).toBe(true);
    expect(isSameFirewall(one, firewallFor({ workers: ['10.0.0.0/8'], ingress: 'public' }))).toBe(false);
    expect(isSameFirewall(one, { rules: one.rules.slice(1) })).toBe(false);
  });
});

describe('what is bought', () => {
  const size = (id: string, memoryMb: number, monthlyUsd: number, diskGb = 60): MachineSize => ({
    id,
    memoryMb,
    cpus: 2,
    diskGb,
    monthlyUsd,
  });
  const sizes = [
    size('large', 8_192, 44),
    size('small', 2_048, 12),
    size('medium', 4_096, 24, 80),
    size('nano', 512, 5),
  ];

  test('is the cheapest size that has what is needed, and 2 GB in any case', () => {
    const choose = (memoryMb: number, diskGb = 20) => chooseSize(sizes, { memoryMb, cpus: 1, diskGb }, 'eu').id;
    expect(choose(256)).toBe('small');
    expect(choose(2_048)).toBe('small');
    expect(choose(2_049)).toBe('medium');
    expect(choose(2_048, 61)).toBe('medium');
    expect(() => chooseSize(sizes, { memoryMb: 9_000, cpus: 1, diskGb: 20 }, 'eu')).toThrow(
      /region eu has no machine with 9000 MB.*its largest is large \(8 GB of memory, 2 processors, 60 GB of disk, 44 USD a month/,
    );
    expect(() => chooseSize([], { memoryMb: 1, cpus: 1, diskGb: 1 }, 'eu')).toThrow('it sells none');
  });

  test('is told with its price', () => {
    expect(describeSize(size('small', 2_048, 12))).toBe(
      'small (2 GB of memory, 2 processors, 60 GB of disk, 12 USD a month, stopped or not)',
    );
  });

  test('runs the newest Debian, else the newest Ubuntu', () => {
    const debian = (version: number) => ({ id: `debian_${version}`, family: 'debian', version }) as const;
    const ubuntu = (version: number) => ({ id: `ubuntu_${version}`, family: 'ubuntu', version }) as const;
    expect(chooseSystem([ubuntu(2404), debian(12), debian(11)], 'eu').id).toBe('debian_12');
    expect(chooseSystem([debian(12), debian(13)], 'eu').id).toBe('debian_13');
    expect(chooseSystem([ubuntu(2204), ubuntu(2404), debian(11)], 'eu').id).toBe('ubuntu_2404');
    expect(() => chooseSystem([debian(11), ubuntu(2004)], 'eu')).toThrow(Refused);
  });
});
