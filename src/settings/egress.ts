import { createHash, X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import { Refused } from '../domain/errors.js';
import type { Authorities, Egress } from '../domain/hosts/egress.js';

/** As a worker is told: an address, hosts with commas between them, and a file. */
export type GivenEgress = {
  readonly proxy: string | undefined;
  readonly direct: string | undefined;
  readonly authorities: string | undefined;
};

/** A bundle goes into the state of every gateway; a whole system's has some 220 KB. */
const bundleBytes = 512 * 1024;

/** A host's way out, or `Refused` naming what is wrong with it. */
export function readEgress({ proxy, direct, authorities }: GivenEgress): Egress {
  return {
    ...(proxy !== undefined && { proxy: proxyAddress(proxy) }),
    direct: hosts(direct),
    ...(authorities !== undefined && { authorities: readAuthorities(authorities) }),
  };
}

function proxyAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.pathname !== '/' || url.search !== '')
    throw new Refused(
      'must be an address with http:// or https:// and nothing after the port, for example http://proxy.internal:3128',
    );
  if (url.username !== '' || url.password !== '')
    throw new Refused(
      'must hold no user or password: whoever looks at a container sees it. Let the proxy know its gateways by their address',
    );
  return url.origin;
}

function hosts(text = ''): string[] {
  const named = text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  const odd = named.find((each) => !/^[\w.*:/[\]-]{1,253}$/.test(each));
  if (odd !== undefined)
    throw new Refused(
      `must be hosts with commas between them, for example .internal,10.0.0.5; ${JSON.stringify(odd)} is none`,
    );
  return named;
}

function readAuthorities(file: string): Authorities {
  const pem = readText(file);
  if (pem.includes('PRIVATE KEY'))
    throw new Refused(`${file} holds a private key: it goes into every gateway. Name a file of certificates alone`);
  const all = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (all.length === 0) throw new Refused(`${file} holds no certificate in the form PEM`);
  if (Buffer.byteLength(pem) > bundleBytes) throw new Refused(`${file} has more than ${bundleBytes / 1024} KB`);
  const odd = all.findIndex((each) => !isCertificate(each));
  if (odd >= 0) throw new Refused(`certificate ${odd + 1} of ${file} cannot be read`);
  const text = `${all.join('\n')}\n`;
  return { pem: text, fingerprint: createHash('sha256').update(text).digest('hex').slice(0, 16) };
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).fingerprint256 !== '';
  } catch {
    return false; // Whatever is wrong with it, a gateway would not believe it either.
  }
}

function readText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new Refused(`${file} cannot be read`, { cause: error });
  }
}
