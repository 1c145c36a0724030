import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { egressEnvironment, egressMark, straightOut } from '../../../src/domain/hosts/egress.js';
import { readEgress } from '../../../src/settings/egress.js';
import { readConfig } from '../../../src/settings/config.js';
import { refusal } from '../refusal.js';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'creel-egress-'));
afterAll(() => fs.rmSync(root, { recursive: true }));
const authority = path.resolve('test/ground/registries/authority.pem');
const none = { proxy: undefined, direct: undefined, authorities: undefined };
const file = (name: string, text: string) => {
  fs.writeFileSync(path.join(root, name), text);
  return path.join(root, name);
};

describe('the way out of a host', () => {
  test('is straight where nothing is set, and then leaves no trace on a gateway', () => {
    expect(readEgress(none)).toEqual(straightOut);
    expect(egressEnvironment(straightOut)).toEqual({});
    expect(egressMark(straightOut)).toEqual({});
  });

  test('goes past the proxy for loopback and for what is named', () => {
    const egress = readEgress({ ...none, proxy: 'http://proxy.internal:3128/', direct: ' .internal, 10.0.0.5 ' });
    expect(egress).toEqual({ proxy: 'http://proxy.internal:3128', direct: ['.internal', '10.0.0.5'] });
    const { HTTPS_PROXY, NO_PROXY, no_proxy } = egressEnvironment(egress) as Record<string, string>;
    expect([HTTPS_PROXY, NO_PROXY, no_proxy]).toEqual([
      'http://proxy.internal:3128',
      '127.0.0.1,localhost,::1,.internal,10.0.0.5',
      '127.0.0.1,localhost,::1,.internal,10.0.0.5',
    ]);
  });

  test('takes the certificates of a file, and tells others by another mark', () => {
    const one = readEgress({ ...none, authorities: authority });
    expect(one.authorities?.pem).toMatch(/^-----BEGIN CERTIFICATE-----[^]+-----END CERTIFICATE-----\n$/);
    expect(egressEnvironment(one)).toEqual({ NODE_EXTRA_CA_CERTS: '/home/node/.openclaw/.creel-ca.pem' });
    const text = fs.readFileSync(authority, 'utf8');
    const noted = readEgress({ ...none, authorities: file('noted.pem', `# ours\n${text}`) });
    expect(egressMark(noted)).toEqual(egressMark(one));
    const twice = readEgress({ ...none, authorities: file('twice.pem', text + text) });
    expect(egressMark(twice)).not.toEqual(egressMark(one));
  });

  test.each([
    ['proxy.internal:3128', 'must be an address with http:// or https://'],
    ['socks5://proxy:1080', 'must be an address with http:// or https://'],
    ['http://user:hunter2@proxy:3128', 'must hold no user or password'],
    ['http://proxy:3128/path', 'nothing after the port'],
  ])('is refused as %s, without an echo', (proxy, why) => {
    const said = refusal(() => readEgress({ ...none, proxy }));
    expect(said).toContain(why);
    expect(said).not.toContain('hunter2');
  });

  test('is refused with a key, without a certificate, or with one that is none', () => {
    const of = (name: string, text: string) => refusal(() => readEgress({ ...none, authorities: file(name, text) }));
    expect(of('key.pem', `${fs.readFileSync(authority, 'utf8')}-----BEGIN PRIVATE KEY-----`)).toMatch(/a private key/);
    expect(of('empty.pem', 'nothing')).toMatch(/holds no certificate/);
    expect(of('torn.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----')).toMatch(/cannot be read/);
    expect(refusal(() => readEgress({ ...none, authorities: path.join(root, 'missing') }))).toMatch(/cannot be read/);
    expect(refusal(() => readEgress({ ...none, direct: 'a b' }))).toMatch(/must be hosts/);
  });

  test('is a setting of the worker, told all at once with the others', () => {
    const env = {
      CREEL_GATEWAY_PROXY: 'x',
      CREEL_GATEWAY_CA: path.join(root, 'missing'),
      CREEL_GATEWAY_NO_PROXY: 'a b',
    };
    const said = refusal(() => readConfig({ ...env, HOME: root }));
    for (const name of Object.keys(env)) expect(said).toContain(`${name}: `);
    expect(refusal(() => readConfig({ HOME: root, CREEL_GATEWAY_NO_PROXY: '.internal' }))).toMatch(/there is none/);
  });
});
