import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { demoModel, provideAnthropic } from '../../../src/dev/demo-model.js';
import { modelsOf } from '../../../src/domain/models/models.js';
import { openTestWorld, type TestWorld } from '../../world/open-test-world.js';

let world: TestWorld;
beforeEach(() => {
  world = openTestWorld();
});
afterEach(() => world.close());

describe('the model of the demo', () => {
  test('stands in for a real one unless another one is asked for', () => {
    expect(demoModel(undefined, {})).toBe('stand-in');
    expect(demoModel('anthropic', { ANTHROPIC_API_KEY: 'sk-ant' })).toBe('anthropic');
  });

  test('is refused before anything is started when nobody knows it, or its key is not there', () => {
    expect(() => demoModel('gpt', {})).toThrow('--model is "gpt": it must be "stand-in" or "anthropic"');
    expect(() => demoModel('anthropic', {})).toThrow('wants a key in ANTHROPIC_API_KEY');
  });

  test('of a person’s own account says what leaves the machine, and is in a spec by reference alone', async () => {
    const key = 'sk-ant-of-a-person';
    const { models, said } = await provideAnthropic(world.deps.secrets, { ANTHROPIC_API_KEY: key });
    expect(said).toMatch(/Leaves this machine: .*api\.anthropic\.com at your cost/);
    expect(modelsOf(models)).toEqual(models);
    expect(JSON.stringify([models, said])).not.toContain(key);
    expect((await world.deps.secrets.read('demo-anthropic')).reveal()).toBe(key);
  });
});
