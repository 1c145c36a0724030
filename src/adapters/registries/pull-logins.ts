import { Away, Refused } from '../../domain/errors.js';
import type { PullLogin } from '../docker/call.js';
import { amazonRegistry, askAmazon, whyNotGiven } from './amazon.js';
import { dockerLogin } from './docker-logins.js';

/** The name under which Docker's command line keeps a login of Docker Hub, whose images name no registry. */
const hubKey = 'https://index.docker.io/v1/';

/** The registry that a reference names, as Docker's command line keeps its logins. */
export function registryOf(reference: string): string {
  const [first = '', ...rest] = reference.split('/');
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  return isHost && first !== 'docker.io' ? first : hubKey;
}

/**
 * With what an image is pulled: the login that Docker's command line has for its registry as the user of this process
 * (its config file, or the helper which that names); else, for one of Amazon's, the password that ECR gives by the AWS
 * SDK; else none. It is asked for right before each pull and kept nowhere. `Refused` or `Away` where AWS gives none.
 */
export async function pullLogin(
  reference: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<PullLogin | undefined> {
  const registry = registryOf(reference);
  const known = await dockerLogin(registry, environment);
  const amazon = amazonRegistry(registry);
  if (known || !amazon) return known && { ...known, serveraddress: registry };
  try {
    return { ...(await askAmazon(amazon)), serveraddress: registry };
  } catch (error) {
    const { why, isFinal } = whyNotGiven(amazon, error);
    const sentence = `${reference} is not pulled: ${why}. See docs/runbook.md#image-missing`;
    throw isFinal ? new Refused(sentence, { cause: error }) : new Away(sentence, { cause: error });
  }
}
