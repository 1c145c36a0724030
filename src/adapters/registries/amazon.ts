import { masked, plain } from '../../domain/heard.js';

/** What one of Amazon's registries is asked with. */
export type AmazonLogin = { readonly username: string; readonly password: string };

/** A private registry of Amazon's, which is what its name says it is: an account's, in a region. */
export type AmazonRegistry = { readonly account: string; readonly region: string };

const hostForm = /^(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z]{2}(?:-[a-z]+)+-\d)\.[a-z0-9.-]+(?::\d{1,5})?$/;

/** Which of Amazon's registries a host is, if it is one. */
export function amazonRegistry(host: string): AmazonRegistry | undefined {
  const [, account, region] = hostForm.exec(host) ?? [];
  return account === undefined || region === undefined ? undefined : { account, region };
}

/** How long AWS may take for its answer, each time of three. */
const limitMs = 20_000;

/**
 * The login of one of Amazon's registries, for some twelve hours, by whatever credentials the AWS SDK finds: of the
 * environment, a profile, a role of the machine. Whatever the SDK throws is for `whyNotGiven` to judge.
 */
export async function askAmazon({ account, region }: AmazonRegistry): Promise<AmazonLogin> {
  const { ECRClient, GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr'); // Nobody else needs it.
  const requestHandler = { requestTimeout: limitMs, connectionTimeout: limitMs };
  const client = new ECRClient({ region, requestHandler });
  try {
    const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({ registryIds: [account] }));
    const raw = Buffer.from(authorizationData?.[0]?.authorizationToken ?? '', 'base64').toString();
    const colon = raw.indexOf(':');
    if (colon < 1) throw new Error('it answered without a token');
    return { username: raw.slice(0, colon), password: raw.slice(colon + 1) };
  } finally {
    client.destroy();
  }
}

/** What AWS answers where its credentials are the matter, and what to do then. */
const cures: readonly [RegExp, string][] = [
  [
    /^(CredentialsProviderError|TokenProviderError)$/,
    'there are no AWS credentials here. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give Docker a credential helper for it',
  ],
  [/^AccessDenied/, 'the AWS credentials here may not ecr:GetAuthorizationToken. Allow them that, on resource "*"'],
  [
    /^(UnrecognizedClient|InvalidSignature|ExpiredToken|InvalidClientTokenId|IncompleteSignature)/,
    'AWS does not take the credentials here: wrong, expired, or a clock that is off. Renew them (aws sts get-caller-identity tells whose they are)',
  ],
];

/** Why AWS gives no login, for people, and whether asking again is pointless until somebody has done something. */
export function whyNotGiven(
  { account, region }: AmazonRegistry,
  error: unknown,
): { readonly why: string; readonly isFinal: boolean } {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const cure = cures.find(([form]) => form.test(name))?.[1];
  const said = masked(plain(`${name}: ${message}`, 300), []);
  const reason = cure === undefined ? `AWS does not answer as it should (${said})` : `${cure} (${said})`;
  const why = `no login for the registry of account ${account} in ${region}: ${reason}`;
  return { why, isFinal: cure !== undefined };
}
