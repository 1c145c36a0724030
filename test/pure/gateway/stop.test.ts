import { expect, test } from 'vitest';
import { stopSaying } from '../../../src/activities/parts/container/stop.js';
import { sentenceOf, within } from '../../../src/world/sentence.js';

test('whoever follows a container that ends slowly is told that it was asked to, and when it is killed', async () => {
  await within(async () => {
    const heard: string[] = [];
    const engine = {
      stopContainer: async () => {
        const first = sentenceOf();
        while (sentenceOf() === first) await new Promise((resolve) => setTimeout(resolve, 20));
        heard.push(first, sentenceOf());
      },
    };
    await stopSaying(engine, { id: '1', name: 'oc-g42-7k3fq2' }, 30);
    expect(heard).toEqual([
      'container oc-g42-7k3fq2 was asked to end 0 s ago; it is killed after 30 s',
      expect.stringMatching(/^container oc-g42-7k3fq2 was asked to end [1-9]\d* s ago; it is killed after 30 s$/),
    ]);
    expect(sentenceOf()).toBe('');
  });
});
