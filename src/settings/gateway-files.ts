import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Refused } from '../domain/errors.js';
import type { Wanted } from '../domain/apply/plan.js';
import { gatewayId } from '../domain/gateway/gateway.js';
import { inOrder } from './fault.js';
import { inspectGatewayFile, shownName, stdinName, type GatewayFile } from './gateway-file.js';
import { specFrom } from './spec.js';

/** What a file asks for, which file that is, and the host on which it lets the gateway begin. */
export type Filed = Wanted & { readonly file: string; readonly host?: string };

/** What every file is called while it is written: this name is no gateway's. */
const genericName = 'gateway';

const ending = '.toml';

/**
 * One gateway for each file; a directory stands for every `.toml` in it. Its id is what the file says, or else the name
 * of the file. `Refused` with every fault of every file, and when two are about the same gateway.
 */
export function readGatewayFiles(paths: readonly string[]): Filed[] {
  const faults: string[] = [];
  const held = <T>(read: () => T[]): T[] => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      faults.push(error.message);
      return [];
    }
  };
  const files = [...new Set(paths.flatMap((path) => held(() => filesAt(path))))];
  const found = files.flatMap((file) => held(() => [readFiled(file)]));
  faults.push(...twice(found));
  if (faults.length > 0) throw new Refused(faults.join('\n'));
  return found;
}

function filesAt(path: string): string[] {
  if (path === stdinName || !isDirectory(path)) return [path];
  const names = readdirSync(path, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && entry.name.endsWith(ending) && !entry.name.startsWith('.'))
    .map(({ name }) => name);
  if (names.length > 0) return names.toSorted().map((name) => join(path, name));
  throw new Refused(`${path} has no file that ends in ${ending}`);
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function readFiled(file: string): Filed {
  const { found, faults } = inspectGatewayFile(file);
  const name = shownName(file);
  const others = found ? [...faultsOfId(file, found), ...faultsOfRelease(found)] : [];
  const all = [...faults, ...others.map((fault) => ({ said: `${name}: ${fault}`, line: undefined }))];
  if (!found || all.length > 0) throw new Refused(inOrder(all).join('\n'));
  try {
    const { host } = found;
    return {
      gateway: found.id ?? idOf(file),
      spec: specFrom(found.draft),
      file: name,
      ...(host !== undefined && { host }),
    };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw new Refused(`${name}: ${error.message}`, { cause: error });
  }
}

function faultsOfId(file: string, { id }: GatewayFile): string[] {
  const fault = id === undefined ? faultOfNone(file) : faultOfBoth(file, id);
  return fault === undefined ? [] : [fault];
}

function faultsOfRelease({ draft, malformed }: GatewayFile): string[] {
  if (draft.release !== undefined || malformed?.includes('release')) return [];
  return ['release is missing: name one version. For example: release = "2026.9.6"'];
}

/** The name of a file without its ending, where it can be a gateway's. */
function idOf(file: string): string {
  return basename(file, ending);
}

function isId(text: string): boolean {
  try {
    return gatewayId(text) === text;
  } catch {
    return false;
  }
}

function faultOfNone(file: string): string | undefined {
  if (file === stdinName) return 'no file has a name here: say the gateway in it. For example: id = "g42"';
  const name = idOf(file);
  if (name === genericName) return `${name}${ending} is the name of no gateway: say it in it. For example: id = "g42"`;
  if (isId(name)) return undefined;
  return `${JSON.stringify(name)} cannot be the id of a gateway (1 to 30 of a-z, 0-9 and "-"): call the file otherwise, or say id = "…" in it`;
}

function faultOfBoth(file: string, id: string): string | undefined {
  const name = idOf(file);
  if (file === stdinName || name === genericName || name === id || !isId(name)) return undefined;
  return `it says id = ${JSON.stringify(id)}, and its name says ${name}. Call it ${id}${ending}, or leave the id out`;
}

function twice(found: readonly Filed[]): string[] {
  return found.flatMap(({ gateway, file }, index) => {
    const first = found.findIndex((each) => each.gateway === gateway);
    return first < index
      ? [`${file}: gateway ${gateway} is in ${found[first]?.file} as well. One of them is wrong`]
      : [];
  });
}
