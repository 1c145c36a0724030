import { execFile } from 'node:child_process';
import { createInterface } from 'node:readline';
import Docker from 'dockerode';
import { z } from 'zod';
import { TurnedDown } from '../client/failure.js';
import { Refused } from '../domain/errors.js';
import { masked, plain } from '../domain/heard.js';
import { amazonRegistry, type AmazonLogin } from '../adapters/registries/amazon.js';
import { hasDockerLogin } from '../adapters/registries/docker-logins.js';
import { amazonLogin } from './ecr.js';

const nameForm = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+$/;

/** The name of a repository in a registry as given, or `Refused`. */
export function repository(raw: string): string {
  if (nameForm.test(raw)) return raw;
  throw new Refused(
    `--push ${JSON.stringify(raw)} is no repository: write registry/name, without tag or digest. For example: registry.example/openclaw`,
  );
}

/** Where an image is pushed from, and by whom. */
export type Pushing = {
  readonly engineSocket: string;
  /** Of one of Amazon's registries that Docker has no login for; any other is Docker's own. */
  readonly login?: AmazonLogin;
  readonly signal: AbortSignal;
};

/**
 * What a push needs: Docker's command line, which has the credentials of registries, and for one of Amazon's that it has
 * none of, a login by the AWS SDK. `TurnedDown` where either is not to be had.
 */
export async function demandPushing(engineSocket: string, to: string, signal: AbortSignal): Promise<Pushing> {
  await docker({ engineSocket, signal }, ['version', '--format', '{{.Client.Version}}']);
  const [host = ''] = to.split('/');
  const amazon = amazonRegistry(host);
  if (!amazon || (await hasDockerLogin(host, process.env))) return { engineSocket, signal };
  return { engineSocket, signal, login: await amazonLogin(amazon) };
}

/**
 * Pushes an image to a repository and returns its reference by digest. Repeating it changes nothing; the end of the
 * signal ends it.
 */
export async function push(pushing: Pushing, image: string, to: string, version: string): Promise<string> {
  const tagged = `${to}:${version}`;
  await docker(pushing, ['tag', image, tagged]);
  if (pushing.login) await pushAs(pushing.login, pushing, to, version);
  else await docker(pushing, ['push', '--quiet', tagged]);
  const said = await docker(pushing, [
    'image',
    'inspect',
    '--format',
    '{{range .RepoDigests}}{{println .}}{{end}}',
    tagged,
  ]);
  const digest = said.split('\n').find((line) => line.startsWith(`${to}@sha256:`));
  if (digest === undefined)
    throw new TurnedDown(`${tagged} was pushed, and the engine knows no digest of it there`, 'Error');
  return digest.trim();
}

const pushed = z.object({ error: z.string().optional() });

/** The engine is given the login for this one push: it lies in no file. */
async function pushAs(
  login: AmazonLogin,
  { engineSocket, signal }: Pushing,
  to: string,
  version: string,
): Promise<void> {
  const at = new Docker({ socketPath: engineSocket });
  try {
    const authconfig = { ...login, serveraddress: to.split('/')[0] ?? '' };
    const stream = await at.getImage(to).push({ tag: version, authconfig, abortSignal: signal });
    for await (const line of createInterface({ input: stream })) {
      const { error } = pushed.parse(JSON.parse(line));
      if (error !== undefined) throw new Error(error);
    }
  } catch (error) {
    const why = masked(plain(error instanceof Error ? error.message : String(error), 500), []);
    throw new TurnedDown(`the push of ${to}:${version} failed: ${why}`, 'Error', { cause: error });
  }
}

function docker({ engineSocket, signal }: Pushing, args: readonly string[]): Promise<string> {
  const env = { ...process.env, DOCKER_HOST: `unix://${engineSocket}` };
  return new Promise((resolve, reject) => {
    execFile('docker', [...args], { env, signal, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const why =
        error.code === 'ENOENT'
          ? 'it is not on PATH, and it has the credentials of registries'
          : masked(plain(stderr.trim().slice(-500), 500), []);
      reject(new TurnedDown(`docker ${args[0]} failed: ${why}`, 'Error'));
    });
  });
}
