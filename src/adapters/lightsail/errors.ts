import { Away, NotYet, Refused } from '../../domain/errors.js';
import { plain } from '../../domain/heard.js';

/** One question to Lightsail: the name of its operation, in which region, and about what. */
export type Question = { readonly call: string; readonly region: string; readonly about: string };

/** How much of what Lightsail says is passed on. */
const saidCharacters = 300;

/** Whether Lightsail knows nothing of this name (yet, or any more). */
export function isMissing(error: unknown): boolean {
  return nameOf(error) === 'NotFoundException';
}

/** Whether something else in the region, of any kind, bears the name that was asked for. */
export function isNameTaken(error: unknown): boolean {
  return nameOf(error) === 'InvalidInputException' && /already in use/i.test(messageOf(error));
}

/** Whether a zone has no room for what is asked for: another one may have. */
export function isFull(error: unknown): boolean {
  return saysFull(`${nameOf(error)}: ${messageOf(error)}`);
}

/** The same of what is said of an order that was taken and came to nothing. */
export function saysFull(words: string): boolean {
  return /InsufficientInstanceCapacity|(insufficient|not (have )?(enough|sufficient))\b[^.]*\bcapacity/i.test(words);
}

/**
 * The kind of an error of the AWS SDK, decided by its name and its words: every fault of a caller, throttling too, comes
 * with the same status, and a page of HTML comes as a `SyntaxError`. The reason of a cancellation stays as it is.
 */
export function kindOf(error: unknown, question: Question, reason?: unknown): unknown {
  if (reason !== undefined) return reason;
  const at = `lightsail, ${question.call} of ${question.about} in ${question.region}`;
  const name = nameOf(error);
  const said = plain(messageOf(error), saidCharacters);
  const cause = { cause: new Error(`${name}: ${said}`) }; // The SDK's own error holds request, signature and socket.
  if (isSkewMended(error))
    return new Error(
      `${at}: the clock of the worker is off (${said}). It is allowed for from now on; set it right, for example by NTP`,
      cause,
    );
  const known = verdicts.find(({ names, words }) => names.test(name) && (words === undefined || words.test(said)));
  if (known) return known.make(at, said, cause);
  if (statusOf(error) === 400) return new Refused(`${at}: ${name}: ${said}`, cause);
  return new Error(`${at}: no answer that can be used (${name}: ${said}). What came of it is read back`, cause);
}

type Verdict = {
  readonly names: RegExp;
  readonly words?: RegExp;
  readonly make: (at: string, said: string, cause: ErrorOptions) => Error;
};

const refused =
  (remedy: string): Verdict['make'] =>
  (at, said, cause) =>
    new Refused(`${at}: refused (${said}). ${remedy}`, cause);

/** What people met, in the order in which it is recognised. */
const verdicts: readonly Verdict[] = [
  {
    names: /^InvalidInputException$/,
    words: /maximum limit/i,
    make: refused(
      'The quota of this account in this region is used up. Ask AWS for a higher one (Service Quotas, "Amazon Lightsail"), remove what is not needed, or choose another region; see docs/runbook.md#lightsail-quota',
    ),
  },
  {
    names: /^InvalidInputException$/,
    words: /plan size/i,
    make: refused(
      'AWS does not sell this size to this account yet, though it lists it: new accounts begin with small ones. Write to AWS support, or ask for less memory; see docs/runbook.md#lightsail-quota',
    ),
  },
  {
    names: /^(AccountSetupInProgressException|RegionSetupInProgressException)$/,
    make: (at, said, cause) =>
      new NotYet(
        `${at}: the account is not set up for Lightsail yet (${said}). If it stays so, open https://lightsail.aws.amazon.com once with this account; see docs/runbook.md#lightsail-account`,
        cause,
      ),
  },
  {
    names: /^(OptInRequired|OptInRequiredException|SubscriptionRequiredException|AccountNotEnabledException)$/,
    make: refused(
      'This account may not use Lightsail, or not this region: switch it on in the AWS console; see docs/runbook.md#lightsail-account',
    ),
  },
  {
    names: /^AccessDenied/,
    make: refused(
      'The AWS credentials of the worker may not do that: allow them; see docs/runbook.md#lightsail-account',
    ),
  },
  {
    names:
      /^(UnauthenticatedException|UnrecognizedClient|InvalidSignature|InvalidClientTokenId|IncompleteSignature|SignatureDoesNotMatch|ExpiredToken|MissingAuthenticationToken)/,
    make: refused(
      'AWS does not take the credentials of the worker: wrong, expired, or a clock that is off. Renew them; see docs/runbook.md#lightsail-account',
    ),
  },
  {
    names: /^(CredentialsProviderError|TokenProviderError)$/,
    make: refused(
      'The worker has no AWS credentials. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, for it; see docs/runbook.md#lightsail-account',
    ),
  },
  {
    names: /^(Throttling|ThrottlingException|TooManyRequestsException|RequestLimitExceeded)$/,
    make: (at, said, cause) => new Error(`${at}: throttled (${said})`, cause),
  },
  {
    names: /^OperationFailureException$/,
    make: (at, said, cause) => new Error(`${at}: it failed (${said})`, cause),
  },
  {
    names: /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH)$/,
    make: (at, said, cause) =>
      new Away(`${at}: AWS cannot be reached (${said}). Look at the worker's network; creel asks again`, cause),
  },
];

/** Whether the SDK has just seen that this machine's clock is off, and signs by Amazon's from now on: it would ask again by itself. */
function isSkewMended(error: unknown): boolean {
  const metadata = error instanceof Error && '$metadata' in error ? error.$metadata : undefined;
  return typeof metadata === 'object' && metadata !== null && 'clockSkewCorrected' in metadata;
}

/** What an error is called; one on the way is called by its code. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'an error';
  const code = 'code' in error && typeof error.code === 'string' && /^E[A-Z_]+$/.test(error.code) ? error.code : '';
  return code === '' ? error.name : code;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function statusOf(error: unknown): number | undefined {
  const metadata = error instanceof Error && '$metadata' in error ? error.$metadata : undefined;
  const status =
    typeof metadata === 'object' && metadata && 'httpStatusCode' in metadata ? metadata.httpStatusCode : undefined;
  return typeof status === 'number' ? status : undefined;
}
