import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';

/** Creates a file whole or not at all; false when one of this name exists. Holds between processes and across SIGKILL. */
export function createFile(file: string, content: string): boolean {
  const draft = draftBeside(file, content);
  try {
    fs.linkSync(draft, file);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    fs.rmSync(draft, { force: true });
  }
}

/** Writes a file whole or not at all, over what is there. */
export function replaceFile(file: string, content: string, mode = 0o600): void {
  const draft = draftBeside(file, content);
  if (mode !== 0o600) fs.chmodSync(draft, mode);
  fs.renameSync(draft, file);
}

/** Makes an empty file: its name is all it says. */
export function touchFile(file: string): void {
  writeMakingWay(file, '');
}

/** The text of a file; undefined when there is none. */
export function readText(file: string): string | undefined {
  if (!fs.existsSync(file)) return undefined; // an exception costs ten times as much
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** The record in a file; undefined when there is none. */
export function readRecord<T>(file: string, shape: z.ZodType<T>): T | undefined {
  const text = readText(file);
  return text === undefined ? undefined : shape.parse(JSON.parse(text));
}

/** The names in a directory, drafts left out; none when it does not exist. */
export function listNames(directory: string): string[] {
  try {
    return fs.readdirSync(directory).filter((name) => !name.startsWith('.'));
  } catch (error) {
    if (isCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Removes a file; whether there was one. */
export function removeFile(file: string): boolean {
  const isThere = fs.existsSync(file);
  fs.rmSync(file, { force: true });
  return isThere;
}

/** Removes a directory and what is in it, at once for everybody who looks, also while somebody writes into it. */
export function removeTree(directory: string): void {
  if (!fs.existsSync(directory)) return;
  const aside = path.join(path.dirname(directory), `.${randomBytes(8).toString('hex')}`);
  try {
    fs.renameSync(directory, aside);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return;
    throw error;
  }
  fs.rmSync(aside, { recursive: true, force: true });
}

function draftBeside(file: string, content: string): string {
  const draft = path.join(path.dirname(file), `.${randomBytes(8).toString('hex')}`);
  writeMakingWay(draft, content);
  return draft;
}

function writeMakingWay(file: string, content: string): void {
  try {
    fs.writeFileSync(file, content, { mode: 0o600 });
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content, { mode: 0o600 });
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** Whose a file of a volume is: the gateway's user's, unless it was handed to another. */
export function ownerOf(root: string, place: string): number {
  return Number(readText(path.join(root, 'owners', encodeURIComponent(path.relative(root, place)))) ?? 1000);
}
