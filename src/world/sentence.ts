import { AsyncLocalStorage } from 'node:async_hooks';
import { plain } from '../domain/heard.js';

const current = new AsyncLocalStorage<{ sentence: string }>();

/** Runs `fn` with a sentence of its own, empty at first: what it is waiting for, in words for people. */
export function within<T>(fn: () => T): T {
  return current.run({ sentence: '' }, fn);
}

/**
 * Replaces the sentence of the surrounding call; the next heartbeat carries it. Outside of `within` it has no effect.
 */
export function say(sentence: string): void {
  const held = current.getStore();
  if (held) held.sentence = plain(sentence);
}

/** The sentence of the surrounding call; empty when nothing was said. */
export function sentenceOf(): string {
  return current.getStore()?.sentence ?? '';
}
