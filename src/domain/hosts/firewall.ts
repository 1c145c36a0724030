import { Refused } from '../errors.js';

/** Who gets to which TCP port of a machine; whatever is not named is closed. */
export type Firewall = { readonly rules: readonly { readonly port: number; readonly from: readonly string[] }[] };

/** How a machine is reached. The port of its gateway never is: that one is published on loopback. */
export type Reach = {
  /** The networks of the workers, as IPv4 with a prefix: only they reach port 22. */
  readonly workers: readonly string[];
  /** `public`: ports 80 and 443 are open to everybody, for a public name with a certificate. */
  readonly ingress: 'none' | 'public';
};

const everybody = '0.0.0.0/0';
const networkForm = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/;
const octetShifts = [24, 16, 8, 0];

/** The firewall of a machine. `Refused` without a network of workers, for one that is none, and for the whole internet. */
export function firewallFor({ workers, ingress }: Reach): Firewall {
  const from = [...new Set(workers.map(network))].toSorted();
  if (from.length === 0)
    throw new Refused(
      'no network of workers is named, so nobody could reach the machine. Name the addresses that the workers come from, for example 198.51.100.7/32',
    );
  const web = ingress === 'public' ? [80, 443] : [];
  return { rules: [{ port: 22, from }, ...web.map((port) => ({ port, from: [everybody] }))] };
}

/** Whether two firewalls let the same in, whatever the order. */
export function isSameFirewall(one: Firewall, other: Firewall): boolean {
  const text = ({ rules }: Firewall) =>
    rules
      .map(({ port, from }) => `${port} ${from.toSorted().join(' ')}`)
      .toSorted()
      .join('\n');
  return text(one) === text(other);
}

/** A network by its first address, as providers say it back: what lies in it is the same. */
function network(raw: string): string {
  const parts = networkForm.exec(raw)?.slice(1).map(Number) ?? [];
  const [prefix = -1] = parts.slice(4);
  const octets = parts.slice(0, 4);
  const fits = octets.length === 4 && octets.every((octet) => octet <= 255) && prefix >= 8 && prefix <= 32;
  if (!fits)
    throw new Refused(
      `network of workers ${JSON.stringify(raw)} must be IPv4 with a prefix from 8 to 32, for example 198.51.100.7/32`,
    );
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  const first = address - (address % 2 ** (32 - prefix));
  return `${octetShifts.map((shift) => Math.floor(first / 2 ** shift) % 256).join('.')}/${prefix}`;
}
