import { execFile } from 'node:child_process';
import { TurnedDown } from '../client/failure.js';
import { Refused } from '../domain/errors.js';
import { masked, plain } from '../domain/heard.js';

const nameForm = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+$/;

/** The name of a repository in a registry as given, or `Refused`. */
export function repository(raw: string): string {
  if (nameForm.test(raw)) return raw;
  throw new Refused(
    `--push ${JSON.stringify(raw)} is no repository: write registry/name, without tag or digest. For example: registry.example/openclaw`,
  );
}

/** Where an image is pushed from; the end of the signal ends it. */
export type Pushing = { readonly engineSocket: string; readonly signal: AbortSignal };

/** `TurnedDown` where Docker's command line, which has the credentials of registries, is not there. */
export async function demandDocker(pushing: Pushing): Promise<void> {
  await docker(pushing, ['version', '--format', '{{.Client.Version}}']);
}

/**
 * Pushes an image to a repository, with the credentials that Docker's command line has, and returns its reference by
 * digest. Repeating it changes nothing.
 */
export async function push(pushing: Pushing, image: string, to: string, version: string): Promise<string> {
  const tagged = `${to}:${version}`;
  await docker(pushing, ['tag', image, tagged]);
  await docker(pushing, ['push', '--quiet', tagged]);
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
