import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { KeyRing } from '../../src/domain/keys/key-ring.js';
import { masterKey, type MasterKey } from '../../src/domain/keys/token.js';
import { openKeys, openRetiredKeys } from '../../src/settings/key-file.js';

/** The ring of these keys, newest first; the last one is the deployment's first. */
export function ringOf(...keys: readonly MasterKey[]): KeyRing {
  return new KeyRing(keys.at(-1)?.id ?? '', () => keys);
}

/** Where the keys of a world lie that has more than the one it begins with. */
export function testKeyFile(root: string): string {
  return path.join(root, 'keys', 'master.key');
}

/** Lays the key of a world into its file, as `creel init` would have made it. */
export function layKey(root: string, hex: string): string {
  const file = testKeyFile(root);
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, `${hex}\n`, { mode: 0o600 });
  return file;
}

/** The keys of a world: those that lie in its files, else the one it begins with. */
export function testKeys(root: string, hex: string): KeyRing {
  const [first, file] = [masterKey(hex), testKeyFile(root)];
  const read = () => (existsSync(file) ? openKeys(file) : [first]);
  return new KeyRing(first.id, read, () => (existsSync(file) ? openRetiredKeys(file) : []));
}
