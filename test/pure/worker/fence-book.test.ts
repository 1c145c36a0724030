import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FenceSeen } from '../../../src/domain/hosts/fence-trial.js';
import { fenceStaleMs } from '../../../src/domain/thresholds.js';
import { FenceBook } from '../../../src/world/fence-book.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const shut = (): FenceSeen => ({ at: Date.now(), knocked: [], neighbours: 'engine' });
const open = (): FenceSeen => ({ ...shut(), neighbours: 'open' });

describe('what a worker knows of fences', () => {
  it('a fence that stands is believed for an hour, one that does not is tried by whoever asks', async () => {
    const book = new FenceBook();
    await book.ask('e1', async () => open());
    expect(await book.ask('e1', async () => shut())).toMatchObject({ neighbours: 'engine' });
    vi.advanceTimersByTime(fenceStaleMs - 1);
    expect(await book.ask('e1', async () => open())).toMatchObject({ neighbours: 'engine' });
    vi.advanceTimersByTime(2);
    expect(await book.ask('e1', async () => open())).toMatchObject({ neighbours: 'open' });
    expect(book.last('e1')).toMatchObject({ neighbours: 'open' });
    expect(book.last('e2')).toBeUndefined();
  });

  it('two who ask at once share one trial, and one that failed is made again', async () => {
    const book = new FenceBook();
    let trials = 0;
    const trial = async () => {
      trials += 1;
      if (trials === 1) throw new Error('cut off');
      return shut();
    };
    expect(await Promise.allSettled([book.ask('e1', trial), book.ask('e1', trial)])).toMatchObject([
      { status: 'rejected' },
      { status: 'rejected' },
    ]);
    await Promise.all([book.ask('e1', trial), book.ask('e1', trial)]);
    expect(trials).toBe(2);
  });
});
