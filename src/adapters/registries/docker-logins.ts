import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { RegistryLogin } from '../docker/call.js';

const login = z.object({ auth: z.string().optional(), identitytoken: z.string().optional() });

const configForm = z.object({
  auths: z.record(z.string(), login).default({}),
  credHelpers: z.record(z.string(), z.string()).default({}),
  credsStore: z.string().default(''),
});

const answerForm = z.object({ Username: z.string(), Secret: z.string() });

/** What a helper calls a secret that is no password but a token for the registry's own. */
const tokenName = '<token>';

/**
 * Whether Docker's command line has a login for a registry: by its config file, or by the helper that the file names.
 * A file that cannot be read has none.
 */
export async function hasDockerLogin(registry: string, environment: NodeJS.ProcessEnv): Promise<boolean> {
  const config = read(environment);
  const helper = helperOf(config, registry);
  if (helper !== '') return (await ask(helper, registry, environment)) !== undefined;
  const own = config.auths[registry];
  return own !== undefined && (own.auth ?? own.identitytoken ?? '') !== '';
}

/** The login that it has; undefined where it has none, or none that can be read. */
export async function dockerLogin(
  registry: string,
  environment: NodeJS.ProcessEnv,
): Promise<RegistryLogin | undefined> {
  const config = read(environment);
  const helper = helperOf(config, registry);
  if (helper !== '') return toldBy(await ask(helper, registry, environment));
  const { auth = '', identitytoken } = config.auths[registry] ?? {};
  if (identitytoken) return { identitytoken };
  const [, username, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(auth, 'base64').toString()) ?? [];
  return username === undefined || password === undefined ? undefined : { username, password };
}

function helperOf({ credHelpers, credsStore }: z.infer<typeof configForm>, registry: string): string {
  return credHelpers[registry] ?? credsStore;
}

function toldBy(said: string | undefined): RegistryLogin | undefined {
  try {
    const { Username: username, Secret: secret } = answerForm.parse(JSON.parse(said ?? ''));
    return username === tokenName ? { identitytoken: secret } : { username, password: secret };
  } catch {
    return undefined;
  }
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

/** What a helper says of a registry; undefined where it knows none. */
function ask(helper: string, registry: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return new Promise((resolve) => {
    const asked = execFile(`docker-credential-${helper}`, ['get'], { env, timeout: limitMs }, (error, stdout) =>
      resolve(error === null ? stdout : undefined),
    );
    asked.stdin?.on('error', () => undefined); // One that does not read ends with its exit code.
    asked.stdin?.end(registry);
  });
}
