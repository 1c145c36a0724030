import { Refused } from '../errors.js';

/** What a host's gateways may reach although it is private: a database in the VPC, for example. */
export type Exception = { readonly cidr: string; readonly port: number | undefined };

/** Which addresses are fenced off from whom. */
export type Fence = {
  /** The pool from which gateways get their networks. */
  readonly pool: string;
  readonly exceptions: readonly Exception[];
};

/**
 * What a gateway reaches of no host: its own network (RFC 1122), private networks (RFC 1918) and those of carriers
 * (RFC 6598), link-local addresses and with them every cloud's metadata service (RFC 3927), networks for protocols,
 * examples and benchmarks (RFC 6890), groups, and what is reserved.
 */
const forbidden = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/4',
  '240.0.0.0/4',
] as const;

const number = '(?:0|[1-9]\\d{0,2})'; // A leading zero would be octal to some, and nothing to iptables.
const exceptionForm = new RegExp(`^((?:${number}\\.){3}${number}(?:/${number})?)(?::([1-9]\\d{0,4}))?$`);

/** An exception as somebody writes it: an address or a network, and a port if it is to be that alone; or `Refused`. */
export function exceptionFrom(text: string): Exception {
  const [, address = '', port] = exceptionForm.exec(text) ?? [];
  const [octets = '', length = '32'] = address.split('/');
  const isAddress = octets !== '' && octets.split('.').every((octet) => Number(octet) <= 255) && Number(length) <= 32;
  if (!isAddress || Number(length) === 0 || (port !== undefined && Number(port) > 65_535))
    throw new Refused(
      `${JSON.stringify(text)} is no exception to a fence: write an IPv4 address or network, and a port if it is to be that alone, for example 10.20.0.5/32:5432`,
    );
  return { cidr: `${octets}/${length}`, port: port === undefined ? undefined : Number(port) };
}

/**
 * A script for root on a host (POSIX sh) that puts the fence around its gateways, or puts it right: run again, it
 * leaves the same rules. A gateway then reaches neither its host, nor private and link-local addresses, nor another
 * gateway, but the resolvers of its host at port 53 and the exceptions; and nobody but the host itself reaches a
 * gateway, neither at its own address nor at a port that is published on loopback. Rules go with a reboot.
 */
export function fenceScript(fence: Fence): string {
  return [
    '#!/bin/sh',
    `# Keeps the gateways of creel (${fence.pool}) from the host, from private networks and from each other.`,
    'set -eu',
    'fence() { iptables -w "$@"; }',
    ...chain('CREEL-FENCE', 'DOCKER-USER', passing(fence)),
    ...chain('CREEL-FENCE-HOST', 'INPUT', arriving(fence)),
    ...published(),
    '',
  ].join('\n');
}

/** A script that takes the fence away again. */
export function unfenceScript(): string {
  return [
    '#!/bin/sh',
    'set -eu',
    'fence() { iptables -w "$@"; }',
    ...[
      ['CREEL-FENCE', 'DOCKER-USER'],
      ['CREEL-FENCE-HOST', 'INPUT'],
    ].flatMap(([name, from]) => [
      `while fence -C ${from} -j ${name} 2>/dev/null; do fence -D ${from} -j ${name}; done`,
      `fence -F ${name} 2>/dev/null || :`,
      `fence -X ${name} 2>/dev/null || :`,
    ]),
    `while fence -t raw -C ${loopbackOnly} 2>/dev/null; do fence -t raw -D ${loopbackOnly}; done`,
    '',
  ].join('\n');
}

/** Engines before 28 leave a port that is published on loopback open to whoever shares a network with the host. */
const loopbackOnly = 'PREROUTING ! -i lo -d 127.0.0.0/8 -j DROP';

/**
 * A script that says whether the rule for loopback is on the host that runs it: `there`, or `missing`; nothing where it
 * may not be read. It changes nothing (POSIX sh).
 */
export const loopbackRuleScript = `PATH=$PATH:/usr/sbin:/sbin
for by in '' 'sudo -n'; do
  $by true 2>/dev/null || continue
  $by iptables -w -t raw -C ${loopbackOnly} >/dev/null 2>&1
  case $? in
    0) echo there; exit ;;
    1) echo missing; exit ;;
  esac
done
`;

const answers = '-m conntrack --ctstate ESTABLISHED,RELATED -j RETURN';

/** Made anew and entered first, so that no moment is without the rules that were there. */
function chain(name: string, from: string, rules: readonly string[]): string[] {
  return [
    `fence -N ${from} 2>/dev/null || :`,
    `fence -N ${name}-NEXT 2>/dev/null || fence -F ${name}-NEXT`,
    ...rules.map((rule) => (rule.startsWith('for ') ? rule : `fence -A ${name}-NEXT ${rule}`)),
    `fence -I ${from} 1 -j ${name}-NEXT`,
    `while fence -C ${from} -j ${name} 2>/dev/null; do fence -D ${from} -j ${name}; done`,
    `fence -F ${name} 2>/dev/null && fence -X ${name}`,
    `fence -E ${name}-NEXT ${name}`,
  ];
}

/** What a packet through the host meets. A container's neighbours on its own bridge are no business of the fence; no exception leads to another gateway. */
function passing({ pool, exceptions }: Fence): string[] {
  return [
    `-s ${pool} ${answers}`,
    `-d ${pool} ${answers}`,
    '-m physdev --physdev-is-bridged -j RETURN',
    `-s ${pool} -d ${pool} -j REJECT`,
    ...exceptions.flatMap((each) => allowed(pool, each)),
    resolvers('CREEL-FENCE', pool),
    ...forbidden.map((network) => `-s ${pool} -d ${network} -j REJECT`),
    `-d ${pool} -j DROP`,
  ];
}

/** What a packet to the host itself meets. A network that is allowed opens no host in it: its own address has to be named. */
function arriving({ pool, exceptions }: Fence): string[] {
  return [
    `-s ${pool} ${answers}`,
    ...exceptions.filter(isOneAddress).flatMap((each) => allowed(pool, each)),
    resolvers('CREEL-FENCE-HOST', pool),
    `-s ${pool} -j REJECT`,
  ];
}

/** Whether an exception names one address, and not whatever lies in a network. */
export function isOneAddress({ cidr }: Exception): boolean {
  return cidr.endsWith('/32');
}

function allowed(pool: string, { cidr, port }: Exception): string[] {
  if (port === undefined) return [`-s ${pool} -d ${cidr} -j RETURN`];
  return ['tcp', 'udp'].map((protocol) => `-s ${pool} -d ${cidr} -p ${protocol} --dport ${port} -j RETURN`);
}

/** The engine's own resolver asks those of the host from within the gateway's network. */
function resolvers(name: string, pool: string): string {
  const each = (protocol: string) =>
    `fence -A ${name}-NEXT -s ${pool} -d "$resolver" -p ${protocol} --dport 53 -j RETURN`;
  const found = `awk '$1 == "nameserver" && $2 ~ /^[0-9.]+$/ && $2 !~ /^127[.]/ { print $2 }' /etc/resolv.conf /run/systemd/resolve/resolv.conf 2>/dev/null | sort -u`;
  return `for resolver in $(${found}); do ${each('udp')}; ${each('tcp')}; done`;
}

function published(): string[] {
  return [`fence -t raw -C ${loopbackOnly} 2>/dev/null || fence -t raw -I ${loopbackOnly}`];
}

/** What `loopbackRuleScript` said; undefined where it could not see the rules. */
export function readLoopbackRule(said: string): 'there' | 'missing' | undefined {
  return (['there', 'missing'] as const).find((each) => said.trim() === each);
}
