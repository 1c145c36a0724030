import { isOneAddress, type Exception } from './fence.js';

/** What a gateway must reach of no host: the host itself, private networks, what is link-local, and another gateway. */
const grounds = ['host', 'private', 'link-local', 'gateway'] as const;
type Ground = (typeof grounds)[number];

/** Somewhere that is knocked at, and what lies there; `allowed` is an exception that the settings make. */
export type Target = { readonly ground: Ground | 'allowed'; readonly address: string; readonly port: number };

/** What became of a knock: nobody said anything, somebody or something said no, or there is no route at all. */
export const knocks = ['open', 'refused', 'silent', 'no route'] as const;
export type Knock = (typeof knocks)[number];

/** The same knock from a gateway's network, and from the host itself, which is the control. */
export type Knocked = Target & { readonly gateway: Knock; readonly host: Knock };

/** How a host looks from its own network. */
export type HostSight = {
  /** Its IPv4 addresses, by the names of its interfaces. */
  readonly addresses: readonly { readonly device: string; readonly address: string }[];
  /** Where its default route leads; absent where it has none. */
  readonly router?: string | undefined;
  /** A port on which the trial listens on every address of the host. */
  readonly port: number;
};

/**
 * Whether a neighbour on the host's network reaches a port that is published on loopback, which cannot be tried from
 * the host itself: `engine`, engines from version 28 on close it; `rule`, the rule of the fence is there; `open`, it is
 * not; `unseen`, nobody here may read the rules.
 */
export type Neighbours = 'engine' | 'rule' | 'open' | 'unseen';

/** A fence as it was tried (epoch ms). */
export type FenceSeen = {
  readonly at: number;
  readonly knocked: readonly Knocked[];
  readonly neighbours: Neighbours;
};

/** What is kept of it on the page of a host: when, and what stands open or could not be told; fenced when neither. */
export type FenceWord = { readonly at: number; readonly open: readonly string[]; readonly untold: readonly string[] };

/** Where every cloud tells a machine about itself (RFC 3927, link-local). */
const metadata = '169.254.169.254';

/** Nobody's addresses, at a port on which nobody listens: what answers at once there is a fence. */
const nobodys = { private: ['10.255.255.254', '172.31.255.254', '192.168.255.254'], linkLocal: '169.254.255.254' };
const nobodysPort = 9;

/** Ports at which a router may answer; 53 is left out, because resolvers are open to gateways. */
const routerPorts = [22, 80, 443];

/** Of more addresses of a host than these the first and the last are tried: each gateway gives it one more. */
const addressesTried = 8;

/** Engines from this version on let nobody but the host reach what is published on its loopback. */
export const loopbackShutFrom = 28;

/** Everything that is knocked at on a host, once each. What an exception allows is tried as allowed. */
export function fenceTargets(
  sight: HostSight,
  other: Pick<Target, 'address' | 'port'>,
  exceptions: readonly Exception[],
): Target[] {
  const all = sight.addresses.filter(({ device, address }) => isOwn(device, address));
  const own =
    all.length > addressesTried ? [...all.slice(0, addressesTried / 2), ...all.slice(-addressesTried / 2)] : all;
  const { router } = sight;
  const ofRouter =
    router === undefined || !isPrivate(router) ? [] : routerPorts.map((port) => ({ address: router, port }));
  const forbidden: Target[] = [
    ...own.map(({ address }) => ({ ground: 'host', address, port: sight.port }) as const),
    ...ofRouter.map((each) => ({ ground: 'private', ...each }) as const),
    ...nobodys.private.map((address) => ({ ground: 'private', address, port: nobodysPort }) as const),
    { ground: 'link-local', address: metadata, port: 80 },
    { ground: 'link-local', address: nobodys.linkLocal, port: nobodysPort },
    { ground: 'gateway', ...other },
  ];
  const allowed = exceptions.flatMap(({ cidr, port }) =>
    isOneAddress({ cidr, port }) && port !== undefined
      ? [{ ground: 'allowed', address: cidr.slice(0, -'/32'.length), port } as const]
      : [],
  );
  return [...forbidden.filter((each) => !exceptions.some((one) => covers(one, each))), ...allowed];
}

/** What a knock proves: a way in, that there is none, or nothing. */
export function proves({ gateway, host }: Pick<Knocked, 'gateway' | 'host'>): 'open' | 'shut' | 'nothing' {
  if (gateway === 'open') return 'open';
  if (host === 'open' || host === 'no route') return 'shut';
  return gateway === 'refused' && host === 'silent' ? 'shut' : 'nothing';
}

/** What is kept of a trial. A ground is shut when nothing of it is open and at least one knock proves it. */
export function fenceWord({ at, knocked, neighbours }: FenceSeen): FenceWord {
  const of = (ground: Ground) => knocked.filter((each) => each.ground === ground);
  const open = grounds.filter((ground) => of(ground).some((each) => proves(each) === 'open'));
  const shut = grounds.filter(
    (ground) => of(ground).length === 0 || of(ground).some((each) => proves(each) === 'shut'),
  );
  const untold = grounds.filter((ground) => !open.includes(ground) && !shut.includes(ground));
  return {
    at,
    open: [...open.map(groundText), ...(neighbours === 'open' ? [neighbourText] : [])],
    untold: untold.map(groundText),
  };
}

/** Whether nothing is open, and everything could be told. */
export function isFenced({ open, untold }: Pick<FenceWord, 'open' | 'untold'>): boolean {
  return open.length === 0 && untold.length === 0;
}

/** What is wrong with a fence, as a part of a sentence; undefined where nothing is. */
export function whyUnfenced({ open, untold }: Pick<FenceWord, 'open' | 'untold'>): string | undefined {
  const reached = open.filter((each) => each !== neighbourText);
  const parts = [
    ...(reached.length > 0 ? [`its gateways reach ${reached.join(', ')}`] : []),
    ...(untold.length > 0 ? [`nothing proves that its gateways do not reach ${untold.join(', ')}`] : []),
    ...(open.includes(neighbourText) ? [`neighbours reach the ports on its loopback`] : []),
  ];
  return parts.length === 0 ? undefined : parts.join('; ');
}

const neighbourText = 'loopback, by a neighbour';

function groundText(ground: Ground): string {
  return {
    host: 'the host itself',
    private: 'private networks',
    'link-local': 'link-local addresses',
    gateway: 'another gateway',
  }[ground];
}

/** How loopback stands towards neighbours, and how that is known. */
export function neighboursText(neighbours: Neighbours): string {
  return {
    engine: `shut, by the engine itself (${loopbackShutFrom} or newer)`,
    rule: 'shut, by the rule of the fence, which was read',
    open: 'open: the engine leaves it so, and the rule of the fence is not there',
    unseen: 'not known: the engine leaves it open, and the rules of the host could not be read',
  }[neighbours];
}

function isOwn(device: string, address: string): boolean {
  return device !== 'lo' && !address.startsWith('127.') && !address.startsWith('169.254.');
}

function isPrivate(address: string): boolean {
  return /^(10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(
    address,
  );
}

/** Whether an exception lets a gateway there: to another gateway none does, and to its host only one that names that address. */
function covers(exception: Exception, target: Target): boolean {
  const { cidr, port } = exception;
  if (target.ground === 'gateway' || (target.ground === 'host' && !isOneAddress(exception))) return false;
  const [network = '', length = '32'] = cidr.split('/');
  const size = 2 ** (32 - Number(length));
  const same = Math.floor(numberOf(network) / size) === Math.floor(numberOf(target.address) / size);
  return same && (port === undefined || port === target.port);
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}
