import { createReadStream, lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

const BLOCK = 512;
const CHUNK = 1 << 20;

/**
 * Streams an archive in which everything belongs to root and has the same time, so that equal content is an equal archive wherever and
 * whenever it is made. `entries` are { name, path } for a file or a whole tree, { name, content } for a text.
 */
export async function* tarOf(entries, mtime) {
  let pending = [];
  let size = 0;
  for await (const piece of pieces(entries, mtime)) {
    pending.push(piece);
    size += piece.length;
    if (size < CHUNK) continue;
    yield Buffer.concat(pending);
    pending = [];
    size = 0;
  }
  yield Buffer.concat([...pending, Buffer.alloc(2 * BLOCK)]);
}

async function* pieces(entries, mtime) {
  for (const { name, path, content } of entries) {
    if (path !== undefined) yield* tree(name, path, mtime);
    else
      yield* [
        ...header(name, { type: '0', mode: 0o644, size: content.length, mtime }),
        content,
        padding(content.length),
      ];
  }
}

async function* tree(name, path, mtime) {
  const stat = lstatSync(path);
  const mode = stat.mode & 0o111 || stat.isDirectory() ? 0o755 : 0o644;
  if (stat.isSymbolicLink()) yield* header(name, { type: '2', mode: 0o777, size: 0, mtime, link: readlinkSync(path) });
  else if (stat.isDirectory()) {
    yield* header(`${name}/`, { type: '5', mode, size: 0, mtime });
    for (const inner of readdirSync(path).toSorted()) yield* tree(`${name}/${inner}`, join(path, inner), mtime);
  } else if (stat.isFile()) {
    yield* header(name, { type: '0', mode, size: stat.size, mtime });
    yield* stat.size > CHUNK ? createReadStream(path, { highWaterMark: CHUNK }) : [readFileSync(path)];
    yield padding(stat.size);
  }
}

/** A plain header, preceded by an extended one where a name is longer than the plain one holds. */
function header(name, { type, mode, size, mtime, link = '' }) {
  const long = [...record('path', name), ...record('linkpath', link)].join('');
  const plain = block(name, { type, mode, size, mtime, link });
  if (long === '') return [plain];
  const body = Buffer.from(long);
  return [
    block('pax', { type: 'x', mode: 0o644, size: body.length, mtime, link: '' }),
    body,
    padding(body.length),
    plain,
  ];
}

function record(key, value) {
  if (Buffer.byteLength(value) <= 100) return [];
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest);
  while (String(length).length + Buffer.byteLength(rest) > length) length += 1;
  return [`${length}${rest}`];
}

function block(name, { type, mode, size, mtime, link }) {
  const bytes = Buffer.alloc(BLOCK);
  const octal = (value, width) => `${value.toString(8).padStart(width - 1, '0')}\0`;
  bytes.write(Buffer.from(name).subarray(0, 100).toString('latin1'), 0, 'latin1');
  bytes.write(
    octal(mode, 8) + octal(0, 8) + octal(0, 8) + octal(size, 12) + octal(mtime, 12) + ' '.repeat(8) + type,
    100,
  );
  bytes.write(Buffer.from(link).subarray(0, 100).toString('latin1'), 157, 'latin1');
  bytes.write('ustar\x0000root', 257);
  bytes.write('root', 297);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}

function padding(size) {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}
