type Path = readonly (string | number)[];

/**
 * The line of a TOML text on which a field is written, counting from 1: `['channels', 1, 'kind']` is in the second
 * `[[channels]]` table. Where the field itself is not found, the line of what it is in; undefined when that is not
 * either. The parser tells no places.
 */
export function lineOfField(text: string, path: Path): number | undefined {
  if (path.length === 0) return undefined;
  return (typeof path.at(-1) === 'string' ? lineOfKey(text, path) : lineOfTable(text, path)) ?? outside(text, path);
}

function outside(text: string, path: Path): number | undefined {
  return lineOfField(text, path.slice(0, -1));
}

/** Where a key is written in its table, or the table that it names begins. */
function lineOfKey(text: string, path: Path): number | undefined {
  const table = tableOf(path.slice(0, -1));
  const found = linesOf(text).find(({ inside, key }) => key === path.at(-1) && isSame(inside, table));
  return found?.line ?? lineOfTable(text, path);
}

function lineOfTable(text: string, path: Path): number | undefined {
  const table = tableOf(path);
  return linesOf(text).find(({ inside, key }) => key === undefined && isSame(inside, table))?.line;
}

type Table = { readonly name: string; readonly index: number };

function tableOf(path: Path): Table {
  const index = path.find((part) => typeof part === 'number') ?? 0;
  return { name: path.filter((part) => typeof part === 'string').join('.'), index };
}

function isSame(one: Table, other: Table): boolean {
  return one.name === other.name && one.index === other.index;
}

/** Every line that opens a table or writes a key, and the table that it is in. */
function linesOf(text: string): { readonly line: number; readonly inside: Table; readonly key?: string }[] {
  const seen = new Map<string, number>();
  let inside: Table = { name: '', index: 0 };
  return text.split('\n').flatMap((content, at) => {
    const name = /^\s*\[{1,2}\s*([^\]\s]+)\s*\]{1,2}/.exec(content)?.[1];
    if (name !== undefined) {
      inside = { name, index: seen.get(name) ?? 0 };
      seen.set(name, inside.index + 1);
      return [{ line: at + 1, inside }];
    }
    const [, ...forms] = /^\s*(?:"([^"]+)"|'([^']+)'|([\w-]+))\s*[.=]/.exec(content) ?? [];
    const key = forms.find((form) => form !== undefined);
    return key === undefined ? [] : [{ line: at + 1, inside, key }];
  });
}
