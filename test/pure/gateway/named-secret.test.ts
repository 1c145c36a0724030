import { describe, expect, test } from 'vitest';
import { formFaults, namedAnew, withoutNaming } from '../../../src/domain/gateway/named-secret.js';
import type { GatewaySpec } from '../../../src/domain/gateway/spec.js';
import { Secret } from '../../../src/domain/secret.js';
import { testSpec } from '../../world/open-test-world.js';

const telegram = { kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom: ['1'] } as const;
const slack = { kind: 'slack', secrets: { botToken: 'secret:one', appToken: 'secret:key' }, allowFrom: ['1'] } as const;
const models = {
  default: 'openai/m',
  fallbacks: [],
  providers: [
    { id: 'openai', key: 'secret:key' },
    { id: 'anthropic', key: 'secret:other' },
  ],
} as const;
const spec: GatewaySpec = { ...testSpec, channels: [telegram, slack], models };

describe('a spec that names a secret', () => {
  test('takes it up by the very channels or models that it has, and by those alone', () => {
    expect(namedAnew(spec, 'bot')).toEqual({ channels: [telegram, slack] });
    expect(namedAnew(spec, 'other')).toEqual({ models });
    expect(namedAnew(spec, 'key')).toEqual({ channels: [telegram, slack], models });
    expect(namedAnew(spec, 'bo')).toBeUndefined();
    expect(namedAnew(testSpec, 'bot')).toBeUndefined();
  });

  test('is also all that does not name it', () => {
    expect(withoutNaming(spec, 'key')).toEqual({
      ...testSpec,
      channels: [telegram],
      models: { ...models, providers: [{ id: 'anthropic', key: 'secret:other' }] },
    });
    expect(withoutNaming(testSpec, 'key')).toEqual(testSpec);
  });

  test('has it in a form, and says which where a value has another, never the value (S4-32)', () => {
    const faults = formFaults(spec, 'key', new Secret('has spaces'));
    expect(faults).toEqual([
      'channel slack: no app_token (expected xapp-…)',
      'provider openai: no key (it has spaces, line breaks or other letters)',
    ]);
    expect(formFaults(spec, 'other', new Secret('sk-1'))).toEqual([]);
    expect(formFaults(spec, 'bot', new Secret(`123456789:${'A'.repeat(35)}`))).toEqual([]);
  });
});
