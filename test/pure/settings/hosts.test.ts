import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Refused } from '../../../src/domain/errors.js';
import { readConfig } from '../../../src/settings/config.js';
import { readCeiling, readHosts, readLocalOffer } from '../../../src/settings/hosts.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'creel-hosts-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const key = `AAAAC3NzaC1lZDI1NTE5${'A'.repeat(48)}`;
const lines = {
  name: '"b1"',
  ssh: '"creel@10.0.0.5:2222"',
  host_key: `"ssh-ed25519 ${key} root@b1"`,
  identity: '"id"',
};

function write(...hosts: readonly Record<string, string>[]): string {
  const file = join(home, 'hosts.toml');
  const table = (host: Record<string, string>) =>
    `[[host]]\n${Object.entries(host)
      .map(([field, value]) => `${field} = ${value}\n`)
      .join('')}`;
  writeFileSync(file, hosts.map(table).join('\n'));
  return file;
}

describe('hosts.toml', () => {
  test('a host has its name, its address, its only key, and a key file from beside it', () => {
    expect(readHosts(write(lines), '')).toEqual([
      {
        name: 'b1',
        user: 'creel',
        address: '10.0.0.5',
        port: 2222,
        hostKey: { type: 'ssh-ed25519', base64: key },
        identityFile: join(home, 'id'),
        socketPath: '/var/run/docker.sock',
      },
    ]);
  });

  test.each([
    ['"creel@b1"', { user: 'creel', address: 'b1', port: 22 }],
    ['"creel@[fd00::5]:2222"', { user: 'creel', address: 'fd00::5', port: 2222 }],
    ['"creel@[fd00::5]"', { user: 'creel', address: 'fd00::5', port: 22 }],
  ])('ssh = %s is read', (ssh, expected) => {
    expect(readHosts(write({ ...lines, ssh }), '')).toEqual([expect.objectContaining(expected)]);
  });

  test('a host may pull through its worker', () => {
    expect(readHosts(write({ ...lines, pull: '"worker"' }), '')).toEqual([expect.objectContaining({ pull: 'worker' })]);
    expect(() => readHosts(write({ ...lines, pull: '"me"' }), '')).toThrow('must be "worker", or be left out');
  });

  test('socket and engine are said where they are not the usual ones', () => {
    const [host] = readHosts(write({ ...lines, socket: '"/run/d.sock"', engine: '"E:1"' }), '');
    expect(host).toMatchObject({ socketPath: '/run/d.sock', engine: 'E:1' });
  });

  test('what may be promised of a host is said where it is not all that it has, of the worker’s own in [local]', () => {
    const offer = { memory: '"60 GB"', cpus: '12', disk: '"900 GB"', overcommit: '2', cordoned: 'true' };
    const file = write({ ...lines, ...offer });
    const read = { memoryMb: 61_440, cpus: 12, diskMb: 921_600, overcommit: 2, cordoned: true };
    expect(readHosts(file, '')).toEqual([expect.objectContaining({ name: 'b1', offer: read })]);
    expect(readLocalOffer(file, '')).toEqual({});
    appendFileSync(file, '\n[local]\nmemory = "8 GB"\n');
    expect(readLocalOffer(file, '')).toEqual({ memoryMb: 8_192 });
    expect(readConfig({ HOME: home, CREEL_HOSTS: file }).localOffer).toEqual({ memoryMb: 8_192 });
  });

  test('a ceiling on all gateways is said in a table of its own', () => {
    const file = write(lines);
    expect(readCeiling(file, '')).toBeUndefined();
    appendFileSync(file, '\n[ceiling]\ngateways = 40\n');
    expect(readCeiling(file, '')).toBe(40);
    expect(readConfig({ HOME: home, CREEL_HOSTS: file }).ceiling).toBe(40);
    const none = join(home, 'none.toml');
    appendFileSync(none, '[ceiling]\ngateways = 0\n');
    expect(() => readCeiling(none, '')).toThrow(/ceiling\.gateways must be more than 0/);
  });

  test.each([
    ['memory without a unit', { memory: '"60"' }, /host b1: memory "60" is not a size/],
    ['an overcommit that promises less than there is', { overcommit: '0.5' }, /overcommit must be 1 or more/],
    ['a name that is the worker’s own machine', { name: '"local"' }, /host name "local" must be/],
    ['a name with capitals', { name: '"B1"' }, /host name "B1" must be/],
    ['an empty key file', { identity: '""' }, /host\.0\.identity must be the file of a private key/],
    ['an empty engine', { engine: '""' }, /host\.0\.engine must be the id of an engine/],
    ['a name that is no text', { name: '5' }, /host\.0\.name must be a text in quotes/],
    ['no user', { ssh: '"10.0.0.5"' }, /must be user@address:port/],
    ['no port that there is', { ssh: '"creel@b1:0"' }, /must be user@address:port/],
    ['an address without brackets', { ssh: '"creel@fd00::5"' }, /must be user@address:port/],
    ['a key of an unknown type', { host_key: '"ssh-dss AAAA"' }, /must be a public host key/],
    ['a fingerprint in place of a key', { host_key: '"SHA256:abc"' }, /must be a public host key/],
    ['a socket that is no path', { socket: '"docker.sock"' }, /host\.0\.socket must be the path/],
    ['an unknown field', { password: '"x"' }, /Unrecognized key: "password"/],
  ])('%s is refused', (_, change, said) => {
    const read = () => readHosts(write({ ...lines, ...change }), '');
    expect(read).toThrow(Refused);
    expect(read).toThrow(said);
  });

  test('every mistake names file and place, in our words, and is said once', () => {
    const file = join(home, 'hosts.toml');
    const said = (text: string) => {
      writeFileSync(file, text);
      try {
        readConfig({ HOME: home, CREEL_HOSTS: file });
      } catch (error) {
        return error instanceof Refused ? error.message.split('\n').slice(1) : error;
      }
      return [];
    };
    const at = `  CREEL_HOSTS: ${file}: `;
    expect(said('[[host]]\nname = "b1"\nssh = "a@b"\nhost_key = "k"')).toEqual([`${at}host.0.identity is missing`]);
    expect(said('[fenc]\n')).toEqual([`${at}Unrecognized key: "fenc"`]);
    expect(said('ceiling = 4\n')).toEqual([`${at}ceiling must be a table`]);
    expect(said('[host]\nname = "b1"\n')).toEqual([`${at}host must be a list, or tables in [[double brackets]]`]);
    expect(said('[fence]\nallow = "10.0.0.1"\n')).toEqual([expect.stringContaining(`${at}fence.allow must be a list`)]);
    expect(said('[fence]\nallow = ["db"]\n')).toEqual([
      expect.stringContaining(`${at}fence.allow: "db" is no exception`),
    ]);
  });

  test('two hosts of one name are refused', () => {
    expect(() => readHosts(write(lines, lines), '')).toThrow(/two hosts of the name b1/);
  });

  test('a missing file is none in the usual place, and refused where it is named', () => {
    expect(readHosts(undefined, join(home, 'none.toml'))).toEqual([]);
    expect(() => readHosts(join(home, 'none.toml'), '')).toThrow(Refused);
  });

  test('CREEL_HOSTS names the file, and what is wrong in it stands among what is wrong', () => {
    expect(readConfig({ HOME: home, CREEL_HOSTS: write(lines) }).hosts).toHaveLength(1);
    const wrong = write({ ...lines, ssh: '"b1"' });
    expect(() => readConfig({ HOME: home, CREEL_HOSTS: wrong })).toThrow(
      /CREEL_HOSTS: \S+hosts\.toml: host b1: ssh = "b1" must be/,
    );
  });
});
