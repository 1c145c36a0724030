/** A dangerous mode that was written somewhere, with its place and why nobody gets it. */
export type Weakness = { readonly fault: string; readonly at: Path };

/** A place in what was written: names of tables and fields, and numbers of entries. */
export type Path = readonly (string | number)[];

/** The first dangerous mode anywhere in what was written (S3-10, S4-40), in any spelling, with its place. */
export function findWeakness(value: unknown, at: Path): Weakness | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  for (const [key, each] of entries) {
    const place = [...at, key];
    const fault = typeof key === 'number' ? undefined : weakness(each, pathText(place));
    const found = fault === undefined ? findWeakness(each, place) : { fault, at: place };
    if (found) return found;
  }
  return undefined;
}

/** A path as people write it: `channels[0].kind`. */
export function pathText(path: Path): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .slice(1);
}

function weakness(value: unknown, path: string): string | undefined {
  const name = path.toLowerCase().replaceAll(/[_-]/g, '');
  if (/(^|\.)dangerously[^.]*$/.test(name))
    return `${path} is refused: creel runs no gateway with its guards off. Remove the line`;
  if (/(^|\.)allowinsecureauth$/.test(name) && value !== false) {
    return `${path} is refused: a token would travel in the clear. Remove the line`;
  }
  if (/(^|\.)auth(\.?mode)?$/.test(name) && value === 'none') {
    return `${path} = "none" is refused: every gateway is behind its token. Remove the line`;
  }
  if (/(^|\.)(dm\.?policy|grouppolicy)$/.test(name) && (value === 'open' || value === 'pairing')) {
    const asks = value === 'pairing' && path.startsWith('channels[');
    const more = asks ? ', or write pair_senders = true: who writes is told a code, for `creel pair --sender`' : '';
    return `${path} = "${value}" is refused: list the senders in allow_from instead${more}`;
  }
  return Array.isArray(value) ? weakList(value, path, name) : undefined;
}

function weakList(value: readonly unknown[], path: string, name: string): string | undefined {
  if (/(^|\.)allowedorigins$/.test(name) && value.includes('*'))
    return `${path} with "*" is refused: any page in a browser could speak to the gateway. List the origins`;
  if (/(^|\.)trustedproxies$/.test(name) && value.some((each) => typeof each === 'string' && each.endsWith('/0')))
    return `${path} with everybody in it is refused: whoever comes could give any address for his own. List the proxies`;
  return undefined;
}
