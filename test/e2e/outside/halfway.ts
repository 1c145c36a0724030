import { expect } from 'vitest';
import type { ModelProvider } from '../../../src/dev/models/model-provider.js';
import { repeating } from './stand-in.js';
import type { Talk } from './talk.js';

/** Says something to which the answer comes halfway while something else is done, and whole after that. */
export async function isAnsweredMeanwhile(
  { provider, talk }: { readonly provider: ModelProvider; readonly talk: Talk },
  text: string,
  act: () => Promise<void>,
): Promise<void> {
  let goOn = () => {};
  const until = new Promise<void>((resolve) => (goOn = resolve));
  const before = provider.asked.length;
  provider.halfway = { words: text, until };
  provider.previousKey = provider.key; // What is under way may ask once more.
  try {
    const run = await talk.begin(text);
    const asked = () => provider.asked.slice(before).filter(({ said }) => said.includes(text)).length;
    await expect.poll(asked, { timeout: 60_000 }).toBe(1);
    await act();
    goOn();
    expect(await talk.answer(run)).toContain(repeating(text));
    expect(asked()).toBe(1);
  } finally {
    goOn();
    provider.halfway = undefined;
    provider.previousKey = undefined;
  }
}
