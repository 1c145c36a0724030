import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './dirs.mjs';
import { packageOf } from './mains.mjs';

/** What a package may call the file that must go where its code goes. */
const TEXT = /^(licen[cs]e|copying|notice|authors|patents)([.-].*)?$/i;

const RULE = '='.repeat(80);

/** The licences of the packages whose code is in a build, with their texts: of its programs and of its workflow bundle. */
export function thirdParties(built) {
  const bundled = JSON.parse(readFileSync(join(built, 'bundled.json'), 'utf8'));
  const all = [...new Set([...bundled, ...packagesOfWorkflows(built)])].toSorted();
  const head = `creel contains code of these ${all.length} packages, each under its own licence.`;
  return `${[head, ...all.map(entry)].join(`\n\n${RULE}\n\n`)}\n`;
}

/** The bundler of the workflows names each file that it has taken in a comment above it. */
function packagesOfWorkflows(built) {
  const code = readFileSync(join(built, 'workflow-bundle.js'), 'utf8');
  const files = [...code.matchAll(/^ *!\*\*\* \S*?\/node_modules\/(\S+) \*\*\*!$/gm)].map(([, file]) =>
    packageOf(file),
  );
  if (files.length === 0) throw new Error(`the workflow bundle names no package: look how its bundler says it now`);
  return files;
}

function entry(name) {
  const at = join(root, 'node_modules', name);
  const { name: called, version, license, author } = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'));
  const files = readdirSync(at).filter((file) => TEXT.test(file));
  const carried = files.toSorted().map((file) => readFileSync(join(at, file), 'utf8').trim());
  const holder = author?.name ?? author ?? `the authors of ${called}`;
  const text = carried.length > 0 ? carried : [textOf(called, license, holder)];
  return [`${called} ${version}`, `Licence: ${license ?? 'as its text says'}`, ...text].join('\n\n');
}

/** The text of a licence that a package names and does not carry. */
function textOf(called, license, holder) {
  const text = texts[license];
  if (text === undefined)
    throw new Error(`package ${called} carries no text of ${license}: put that into scripts/machine/licences`);
  return text.replace('<holder>', holder.replace(/ *<[^>]*>/, ''));
}

const texts = Object.fromEntries(
  readdirSync(join(import.meta.dirname, 'licences')).map((file) => [
    file.replace(/\.txt$/, ''),
    readFileSync(join(import.meta.dirname, 'licences', file), 'utf8').trim(),
  ]),
);
