import path from 'node:path';
import { readText, replaceFile } from './directory-files.js';

/** The name under which a container can be found now: the one in its id, unless it was renamed. */
export function containerNameOf(root: string, id: string): string {
  return readText(aliasOf(root, id)) ?? id.slice(id.indexOf('-') + 1);
}

/** Remembers that a container has another name from now on. */
export function rememberName(root: string, id: string, name: string): void {
  replaceFile(aliasOf(root, id), name);
}

function aliasOf(root: string, id: string): string {
  return path.join(root, 'renamed', encodeURIComponent(id));
}
