import { expect, test } from 'vitest';
import { tokenReference } from '../../../src/domain/channels/tokens.js';
import { renderedConfig } from '../../../src/cli/show/rendered-config.js';
import { testSpec } from '../../world/open-test-world.js';
import { ownModels } from '../../world/own-models.js';

test('the rendered config has a placeholder for its token and a reference for every other secret, and says the rest as it is (S1-31)', () => {
  const channels = [
    { kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom: ['5550001'] },
    { kind: 'slack', secrets: { botToken: 'secret:b', appToken: 'secret:a' }, allowFrom: ['U012AB3CD'] },
  ] as const;
  const config = { tools: { deny: ['browser'] } };
  const shown = renderedConfig({ ...testSpec, channels, models: ownModels, config }, 19_100);
  expect(shown).toMatchObject({
    gateway: { auth: { token: '[secret]' }, remote: { token: '[secret]' } },
    channels: {
      telegram: { botToken: tokenReference('telegram', 'botToken') },
      slack: { appToken: tokenReference('slack', 'appToken') },
    },
    models: { providers: { own: { apiKey: { source: 'file', provider: 'creel', id: '/own' } } } },
    tools: { deny: ['browser'] },
  });
  expect(JSON.stringify(shown)).toContain('http://127.0.0.1:19100');
});
