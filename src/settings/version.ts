import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The version of this creel, and the commit that it was built from where the build knew one. */
export function versionText(): string {
  const manifest = nearest('package.json');
  const { version = 'unknown' }: { version?: string } = manifest === undefined ? {} : JSON.parse(manifest);
  const commit = nearest('commit')?.trim();
  return commit === undefined ? version : `${version} (${commit})`;
}

/** The content of the file of this name in the directory of this program, or in the nearest one above it. */
function nearest(name: string): string | undefined {
  for (let at = import.meta.dirname; ; at = path.dirname(at)) {
    try {
      return readFileSync(path.join(at, name), 'utf8');
    } catch {
      if (path.dirname(at) === at) return undefined;
    }
  }
}
