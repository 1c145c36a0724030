import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ModelProvider } from '../../src/dev/models/model-provider.js';

const key = 'sk-right';
const provider = new ModelProvider(key);
let port = 0;

beforeAll(async () => {
  port = await provider.open();
});
afterAll(() => provider.close());
beforeEach(() => {
  provider.mood = 'answers';
});

const context = '<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>\nnothing\n<<<END_OPENCLAW_INTERNAL_CONTEXT>>>';

const ways = [
  {
    path: '/v1/chat/completions',
    with: { authorization: `Bearer ${key}` },
    asks: { messages: [{ role: 'user', content: 'ping' }] },
    denied: { error: { code: 'invalid_api_key' } },
    poor: { error: { code: 'insufficient_quota' } },
  },
  {
    path: '/v1/responses',
    with: { authorization: `Bearer ${key}` },
    asks: { input: [{ role: 'user', content: [{ type: 'input_text', text: 'ping' }] }] },
    denied: { error: { code: 'invalid_api_key' } },
    poor: { error: { code: 'insufficient_quota' } },
  },
  {
    path: '/v1/messages',
    with: { 'x-api-key': key },
    asks: { messages: [{ role: 'user', content: [{ type: 'text', text: `${context}ping` }] }] },
    denied: { type: 'error', error: { type: 'authentication_error' } },
    poor: { type: 'error', error: { type: 'rate_limit_error' } },
  },
] as const;

describe.each(ways)('the provider that stands in, at $path', (way) => {
  const ask = (more: object = {}, headers: Record<string, string> = way.with) =>
    fetch(`http://127.0.0.1:${port}${way.path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ model: 'echo-1', ...way.asks, ...more }),
    });

  test('answers with what was said, wholly and as it comes', async () => {
    expect(await (await ask()).text()).toContain('is what you said');
    const streamed = await ask({ stream: true });
    expect(streamed.headers.get('content-type')).toBe('text/event-stream');
    const sent = await streamed.text();
    for (const word of ['ping', '"what "', '"said."']) expect(sent).toContain(word);
    expect(provider.asked.at(-1)).toEqual({ model: 'echo-1', key, said: 'ping' });
  });

  test('turns another key, another model and an account without credit away, each in its own words', async () => {
    const wrong = await ask({}, { ...way.with, authorization: 'Bearer sk-wrong', 'x-api-key': 'sk-wrong' });
    expect([wrong.status, await wrong.json()]).toEqual([401, expect.objectContaining(partly(way.denied))]);
    expect((await ask({ model: 'nope-1' })).status).toBe(404);
    provider.mood = 'no credit';
    const poor = await ask();
    expect([poor.status, await poor.json()]).toEqual([429, expect.objectContaining(partly(way.poor))]);
    provider.mood = 'payment required';
    expect((await ask()).status).toBe(402);
    provider.mood = 'down';
    expect((await ask()).status).toBe(503);
  });

  test('says nothing when it is to be silent', async () => {
    provider.mood = 'silent';
    const asked = fetch(`http://127.0.0.1:${port}${way.path}`, {
      method: 'POST',
      body: JSON.stringify({ model: 'echo-1', ...way.asks }),
      signal: AbortSignal.timeout(300),
    });
    await expect(asked).rejects.toThrow(/timeout/);
  });
});

/** The same as an expectation that allows more. */
function partly(expected: object): Record<string, unknown> {
  const each = ([name, value]: [string, unknown]) =>
    [name, typeof value === 'object' && value !== null ? expect.objectContaining(partly(value)) : value] as const;
  return Object.fromEntries(Object.entries(expected).map(each));
}
