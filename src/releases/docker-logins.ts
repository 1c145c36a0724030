import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const login = z.object({ auth: z.string().optional(), identitytoken: z.string().optional() });

const configForm = z.object({
  auths: z.record(z.string(), login).default({}),
  credHelpers: z.record(z.string(), z.string()).default({}),
  credsStore: z.string().default(''),
});

/**
 * Whether Docker's command line has a login for a registry: by its config file, or by the helper that the file names.
 * A file that cannot be read has none.
 */
export async function hasDockerLogin(registry: string, environment: NodeJS.ProcessEnv): Promise<boolean> {
  const { auths, credHelpers, credsStore } = read(environment);
  const own = auths[registry];
  const helper = credHelpers[registry] ?? credsStore;
  if (helper !== '') return knows(helper, registry, environment);
  return own !== undefined && (own.auth ?? own.identitytoken ?? '') !== '';
}

function read(environment: NodeJS.ProcessEnv): z.infer<typeof configForm> {
  const directory = environment['DOCKER_CONFIG'] ?? path.join(environment['HOME'] ?? '', '.docker');
  try {
    return configForm.parse(JSON.parse(readFileSync(path.join(directory, 'config.json'), 'utf8')));
  } catch {
    return configForm.parse({});
  }
}

/** How long a helper may take, which may ask somebody far away. */
const limitMs = 30_000;

function knows(helper: string, registry: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = execFile(`docker-credential-${helper}`, ['get'], { env, timeout: limitMs }, (error) =>
      resolve(error === null),
    );
    asked.stdin?.on('error', () => undefined); // One that does not read ends with its exit code.
    asked.stdin?.end(registry);
  });
}
