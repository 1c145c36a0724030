import fs from 'node:fs';
import path from 'node:path';

/** Writes into a directory what `docker login` leaves of a registry, and answers that directory, for DOCKER_CONFIG. */
export function writeLogin(
  directory: string,
  repository: string,
  { username, password }: { readonly username: string; readonly password: string },
): string {
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  const [registry = ''] = repository.split('/');
  fs.writeFileSync(path.join(directory, 'config.json'), JSON.stringify({ auths: { [registry]: { auth } } }));
  return directory;
}
