import { jsonBytes } from '../cut.js';
import { Refused } from '../errors.js';
import { hasSecretForm, namesSecret } from '../extras/secret-forms.js';
import { environmentBytes } from '../thresholds.js';

/** What a gateway and the programs of its agent find in their environment: names and plain values, no secrets. */
export type Environment = Readonly<Record<string, string>>;

/** The names that creel, the release or the system itself sets, or by which others would take over what runs. */
const owned: readonly RegExp[] = [
  /^(OPENCLAW|CREEL|NODE|NPM|LD|DYLD|XDG|DOCKER|GIT_SSL|SSL_CERT)_/,
  /^(HOME|PATH|PWD|OLDPWD|SHELL|SHLVL|USER|LOGNAME|HOSTNAME|TMPDIR|TERM|IFS|ENV|BASH_ENV|JITI_.*)$/,
  /^(CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE)$/,
];
const proxies = /^(HTTP|HTTPS|ALL|NO|FTP)_PROXY$/;

/** `[environment]` as it arrives, or `Refused` by the name. No value is echoed. Undefined for an empty one. */
export function environmentOf(raw: unknown): Environment | undefined {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw new Refused('environment must be a table');
  const entries = Object.entries(raw).map(([name, value]: [string, unknown]) => [nameOf(name), valueOf(name, value)]);
  const bytes = jsonBytes(raw);
  if (bytes > environmentBytes)
    throw new Refused(`environment takes ${bytes} bytes as JSON: ${environmentBytes} at most. Name fewer variables`);
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

function nameOf(name: string): string {
  if (!/^[A-Za-z_]\w{0,63}$/.test(name))
    throw new Refused(
      `environment: a name must be 1 to 64 letters, digits and "_", and not begin with a digit. For example: COMPANY_NAME`,
    );
  const upper = name.toUpperCase();
  if (upper === 'TZ') throw new Refused('environment.TZ is refused: it is `timezone` of the spec');
  if (proxies.test(upper))
    throw new Refused(
      `environment.${name} is refused: a proxy is a setting of the host, for all its gateways: CREEL_GATEWAY_PROXY`,
    );
  if (owned.some((form) => form.test(upper)))
    throw new Refused(`environment.${name} is refused: creel, the release or the system itself sets it`);
  if (namesSecret(name) || /_(KEY|PASS|PWD|AUTH)$/.test(upper))
    throw new Refused(
      `environment.${name} is refused: it is a secret by its name, and whoever looks at the container sees its environment. A key of a model goes into [[models]] as key = "secret:NAME", the token of a channel into [[channels]]`,
    );
  return name;
}

function valueOf(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new Refused(`environment.${name} must be a text in quotes`);
  if (/\p{Cc}/u.test(value)) throw new Refused(`environment.${name} has control characters`);
  if (hasSecretForm(value))
    throw new Refused(
      `environment.${name} has the form of a secret, and whoever looks at the container sees its environment. Keys of models go into [[models]], tokens of channels into [[channels]], as "secret:NAME"`,
    );
  return value;
}

/** `[environment]` in one line. */
export function environmentText(environment: Environment | undefined): string {
  const all = Object.entries(environment ?? {}).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return all.join(', ') || 'none';
}
