import { stateDirectory } from '../gateway/config.js';
import { canonical } from '../gateway/spec.js';

/** How the gateways of a host get out: through its proxy, and by which authorities beside the known ones they believe. */
export type Egress = {
  /** An address without user and password: whoever looks at a container sees it. */
  readonly proxy?: string;
  /** What is reached without the proxy, beside the gateway itself. */
  readonly direct: readonly string[];
  readonly authorities?: Authorities;
};

/** The way out of a host that has neither. */
export const straightOut: Egress = { direct: [] };

/** Certificates of authorities as PEM, and by what they are told from others. */
export type Authorities = { readonly pem: string; readonly fingerprint: string };

/** Where the certificates lie in a gateway's state. */
export const authoritiesFile = '.creel-ca.pem';

/** On a container that was made for a host with a way out of its own: which way that was. */
export const egressLabel = 'creel.egress';

/** A gateway speaks to itself on loopback, whatever the way out is. */
const loopback = ['127.0.0.1', 'localhost', '::1'];

/** What a host's way out puts into the environment of a gateway; nothing where it has none. */
export function egressEnvironment({ proxy, direct, authorities }: Egress): Readonly<Record<string, string>> {
  const past = [...loopback, ...direct].join(',');
  const by = (address: string) => ({
    HTTP_PROXY: address,
    HTTPS_PROXY: address,
    NO_PROXY: past,
    http_proxy: address,
    https_proxy: address,
    no_proxy: past,
    NODE_USE_ENV_PROXY: '1',
  });
  return {
    ...(proxy !== undefined && by(proxy)),
    ...(authorities && { NODE_EXTRA_CA_CERTS: `${stateDirectory}/${authoritiesFile}` }),
  };
}

/** The mark of a host's way out on a container; none where it has none. */
export function egressMark({ proxy, direct, authorities }: Egress): Readonly<Record<string, string>> {
  if (proxy === undefined && !authorities) return {};
  const through = proxy === undefined ? {} : { proxy, direct };
  return { [egressLabel]: canonical({ ...through, ...(authorities && { authorities: authorities.fingerprint }) }) };
}

/** That a container has another way out than its host now, as a finding; undefined when it has the same. */
export function otherEgress(labels: Readonly<Record<string, string>>, egress: Egress, id: string): string | undefined {
  if (labels[egressLabel] === egressMark(egress)[egressLabel]) return undefined;
  return `its container was made for another proxy or other certificates than this host has now. \`creel change ${id} --renew\` makes it anew; so does the next upgrade`;
}
