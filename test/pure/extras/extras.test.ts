import { describe, expect, test } from 'vitest';
import { extrasPatch, missingExtras, withoutExtras } from '../../../src/domain/extras/config.js';
import { extrasText } from '../../../src/domain/extras/words.js';
import { holdsConfig, overlayConfig, renderConfig, saysSame } from '../../../src/domain/gateway/config.js';
import { drift } from '../../../src/domain/gateway/owned-keys.js';
import { changedSpec, gatewaySpec, sameSpec, type GatewaySpec } from '../../../src/domain/gateway/spec.js';
import { differences, waysTo } from '../../../src/domain/gateway/spec-words.js';
import {
  cleared,
  readWritten,
  writtenFile,
  writtenText,
  type Written,
} from '../../../src/domain/gateway/written-config.js';
import type { JsonObject } from '../../../src/domain/json.js';
import { Secret } from '../../../src/domain/secret.js';
import { draftFaults, draftFromToml, specFrom } from '../../../src/settings/spec.js';
import { testSpec } from '../../world/open-test-world.js';
import { ownModels } from '../../world/own-models.js';
import { refusal } from '../refusal.js';

const bare: GatewaySpec = { ...testSpec, dev: false, cpus: 2 };
const config: JsonObject = {
  tools: { deny: ['browser'] },
  session: { idleMinutes: 30 },
  gateway: { controlUi: { allowedOrigins: ['https://gw.example'] }, trustedProxies: ['10.0.0.9'] },
  mcp: { servers: { files: { command: 'mcp-files', args: ['--all'], enabled: true } } },
};
const telegram = { kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom: ['5550001'] } as const;

const owned = (of?: JsonObject) =>
  renderConfig({ release: '2026.9.6', token: new Secret('t'), port: 19_100, channels: [], config: of });
const written = (...of: JsonObject[]): Written => ({ channels: [], origins: [], models: [], config: of });
const turned = (found: JsonObject, from: JsonObject | undefined, to: JsonObject | undefined): JsonObject => {
  const [before, next] = [written(...(from ? [from] : [])), written(...(to ? [to] : []))];
  const first = overlayConfig(cleared(JSON.stringify(found), written(), before), owned(from));
  return JSON.parse(overlayConfig(cleared(first, before, next), owned(to)));
};

describe('[config] of a spec', () => {
  test('is taken as given, loses nothing on the wire, and makes another spec', () => {
    expect(gatewaySpec({ ...bare, config }).config).toEqual(config);
    expect(gatewaySpec(JSON.parse(JSON.stringify({ ...bare, config })))).toEqual({ ...bare, config });
    expect(sameSpec(bare, { ...bare, config })).toBe(false);
    expect(changedSpec({ ...bare, config }, { config: 'none' })).toEqual(bare);
    expect(changedSpec({ ...bare, config }, { cpus: 4 }).config).toEqual(config);
    expect(gatewaySpec({ ...bare, config: {} })).not.toHaveProperty('config');
    expect(extrasText({ a: { b: [1] }, c: 'x' }, 1)).toBe('a.b = [1], 1 more');
    expect(differences(bare, { ...bare, config: { a: { b: 1 } } })).toBe('config: has none, asked a.b = 1');
    expect(waysTo('g42', bare, { ...bare, config: { a: 1 } })).toContain('creel change g42 --config gateway.toml');
  });

  test.each<[string, JsonObject]>([
    ['config.gateway.mode', { gateway: { mode: 'remote' } }],
    ['config.gateway.bind', { gateway: { bind: 'loopback' } }],
    ['config.gateway.port', { gateway: { port: 1 } }],
    ['config.gateway.tls', { gateway: { tls: { enabled: true } } }],
    ['config.gateway.auth', { gateway: { auth: { rateLimit: { maxAttempts: 1000 } } } }],
    ['config.gateway.remote', { gateway: { remote: {} } }],
    ['config.gateway.reload', { gateway: { reload: { mode: 'off' } } }],
    ['config.gateway.nodes.pairing', { gateway: { nodes: { pairing: { autoApproveLocal: true } } } }],
    ['config.gateway.controlUi.basePath', { gateway: { controlUi: { basePath: '/x' } } }],
    ['config.agents.defaults.workspace', { agents: { defaults: { workspace: '/tmp' } } }],
    ['config.secrets.providers.creel', { secrets: { providers: { creel: { source: 'env' } } } }],
    ['config.update', { update: { checkOnStart: true } }],
    ['config.env', { env: { vars: { OPENCLAW_GATEWAY_PORT: '1' } } }],
    ['config.meta', { meta: { lastTouchedVersion: '2099.1.1' } }],
    ['config.channels.telegram', { channels: { telegram: { replyToMode: 'all' } } }],
    ['config.channels.whatsapp', { channels: { whatsapp: { enabled: true } } }],
  ])('refuses %s, which creel owns, by name (S4-42)', (key, given) => {
    expect(refusal(() => gatewaySpec({ ...bare, config: given }))).toMatch(new RegExp(`^${key} is refused: `));
  });

  test.each<[JsonObject, RegExp]>([
    [{ gateway: 'x' }, /^config\.gateway must be a table/],
    [{ channels: { telegram: 'x' } }, /config\.channels\.telegram is refused/],
    [{ agents: { defaults: [] } }, /^config\.agents\.defaults must be a table/],
    [{ tools: { $include: './x.json5' } }, /^config\.tools includes another file/],
    [{ 'a\u001b[2J': 1 }, /a key that no config takes/],
    [{ ui: { title: '\u001b]0;x\u0007' } }, /^config\.ui\.title has control characters/],
    [{ ui: { list: ['x', null] } }, /^config\.ui\.list\[1\] must be a text/],
    [{ tools: { note: 'x'.repeat(2_000) } }, /bytes as JSON: 1536 at most/],
    [JSON.parse(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`), /more than 12 tables deep/],
    [JSON.parse('{"__proto__":{"polluted":1}}'), /a key that no config takes/],
  ])('refuses %j', (given, why) => {
    expect(refusal(() => gatewaySpec({ ...bare, config: given }))).toMatch(why);
  });

  test.each<[JsonObject, RegExp]>([
    [{ gateway: { controlUi: { dangerouslyDisableDeviceAuth: true } } }, /guards off/],
    [{ gateway: { controlUi: { allow_insecure_auth: true } } }, /in the clear/],
    [{ channels: { defaults: { groupPolicy: 'open' } } }, /list the senders/],
    [{ gateway: { controlUi: { allowedOrigins: ['https://x', '*'] } } }, /List the origins/],
    [{ gateway: { trustedProxies: ['::/0'] } }, /List the proxies/],
    [{ plugins: { entries: { x: { config: { auth: 'none' } } } } }, /behind its token/],
  ])('refuses a weak mode in any depth: %j (S3-10, S4-40)', (given, why) => {
    expect(refusal(() => gatewaySpec({ ...bare, config: given }))).toMatch(why);
  });

  test.each<[JsonObject, RegExp]>([
    [{ models: { providers: { x: { apiKey: 'abc' } } } }, /is a secret by its name.*\[\[models\]\]/],
    [{ models: { providers: { x: { baseUrl: 'https://u:hunter2@host/v1' } } } }, /has the form of a secret/],
    [{ tools: { web: { search: { key: `sk-ant-api03-${'a'.repeat(24)}` } } } }, /\{ source = "store"/],
    [{ plugins: { x: { hook: `https://h/${'1'.repeat(9)}:${'A'.repeat(35)}` } } }, /has the form of a secret/],
    [{ ui: { notes: [`ghp_${'a'.repeat(36)}`] } }, /^config\.ui\.notes\[0\] has the form of a secret/],
    [{ ui: { note: '-----BEGIN RSA PRIVATE KEY-----' } }, /has the form of a secret/],
    [{ hooks: { token: 'hunter2' } }, /^config\.hooks\.token is a secret by its name/],
    [{ mcp: { servers: { x: { headers: { Authorization: 'x hunter2' } } } } }, /is a secret by its name/],
  ])('refuses a secret, says where it belongs, and echoes none: %j (S0-27)', (given, why) => {
    const said = refusal(() => gatewaySpec({ ...bare, config: given }));
    expect(said).toMatch(why);
    expect(said).not.toMatch(/hunter2|aaaaaaaa|AAAAAAAA|BEGIN RSA/);
  });

  test('takes what only looks like a secret, and a reference to one', () => {
    const fine: JsonObject = {
      agents: { defaults: { maxTokens: 4096, tokenBudget: 'large', systemPrompt: 'Basic knowledge of disk-images.' } },
      tools: { web: { apiKey: { source: 'store', provider: 'default', id: 'BRAVE' }, keyFile: '/x' } },
    };
    expect(gatewaySpec({ ...bare, config: fine }).config).toEqual(fine);
  });

  test('says how tools run, for example in a sandbox without a network (S4-46)', () => {
    const sandbox = { agents: { defaults: { sandbox: { mode: 'all', docker: { network: 'none' } } } } };
    expect(owned(gatewaySpec({ ...bare, config: sandbox }).config)).toMatchObject(sandbox);
  });

  test('says beside [[channels]] and [[models]] what these do not', () => {
    const more: JsonObject = {
      channels: { telegram: { replyToMode: 'all' }, defaults: { heartbeat: { showOk: true } } },
    };
    expect(gatewaySpec({ ...bare, channels: [telegram], config: more }).config).toEqual(more);
    for (const key of ['allowFrom', 'enabled', 'accounts', 'dmPolicy'])
      expect(
        refusal(() =>
          gatewaySpec({ ...bare, channels: [telegram], config: { channels: { telegram: { [key]: {} } } } }),
        ),
      ).toContain('it belongs into the [[channels]] table');
    const withModels = (given: JsonObject) => gatewaySpec({ ...bare, models: ownModels, config: given });
    expect(refusal(() => withModels({ agents: { defaults: { model: 'x/y' } } }))).toContain('`model` and `fallbacks`');
    expect(refusal(() => withModels({ models: { providers: { own: {} } } }))).toContain('[[models]] table');
    expect(withModels({ models: { providers: { ollama: { baseUrl: 'http://h' } } } }).config).toBeDefined();
    expect(refusal(() => changedSpec({ ...bare, channels: [telegram], config: more }, { channels: [] }))).toContain(
      'no [[channels]] table has kind = "telegram"',
    );
  });
});

describe('[config] in openclaw.json', () => {
  test('stands beside what creel owns, to whose lists it adds', () => {
    const rendered = owned(config);
    expect(rendered).toMatchObject({
      tools: config['tools'],
      mcp: config['mcp'],
      gateway: { mode: 'local', bind: 'lan' },
    });
    expect(rendered['gateway']).toMatchObject({
      controlUi: { allowedOrigins: ['http://127.0.0.1:19100', 'http://localhost:19100', 'https://gw.example'] },
      trustedProxies: ['10.0.0.9'],
    });
    expect(JSON.stringify(owned(undefined))).toBe(JSON.stringify(owned()));
  });

  test('written again changes nothing', () => {
    const once = overlayConfig(cleared('{}', written(), written(config)), owned(config));
    expect(holdsConfig(once, owned(config))).toBe(true);
    expect(saysSame(once, overlayConfig(cleared(once, written(config), written(config)), owned(config)))).toBe(true);
    expect(extrasPatch(once, [config], config)).toBeUndefined();
  });

  test('goes with what a spec drops, and leaves what somebody put beside it or in its place', () => {
    expect(turned({}, config, undefined)).toEqual(turned({}, undefined, undefined));
    const theirs = {
      tools: { deny: ['own'], profile: 'coding' },
      session: { scope: 'per-sender' },
      ui: { seamColor: '#1' },
    };
    expect(turned(theirs, config, undefined)).toMatchObject(theirs);
    expect(withoutExtras({ session: { idleMinutes: 5 } }, [config], undefined)).toEqual({
      session: { idleMinutes: 5 },
    });
    expect(turned(theirs, config, { tools: { deny: ['nodes'] } })['tools']).toEqual({
      deny: ['own', 'nodes'],
      profile: 'coding',
    });
  });

  test('names each setting that is another one after a patch, also those that go with their table', () => {
    const text = overlayConfig(undefined, owned(config));
    const change = extrasPatch(text, [config], { session: { idleMinutes: 60 } });
    expect(change?.patch).toMatchObject({ tools: null, mcp: null, session: { idleMinutes: 60 } });
    expect(change?.changed.map((path) => path.join('.')).toSorted()).toEqual([
      'gateway.controlUi.allowedOrigins',
      'gateway.trustedProxies',
      'mcp.servers.files.args',
      'mcp.servers.files.command',
      'mcp.servers.files.enabled',
      'session.idleMinutes',
      'tools.deny',
    ]);
    expect(change?.lost).toContain('tools.deny');
  });

  test('that its owner has changed is named, without a value', () => {
    const around = { bridge: undefined, channels: [], config };
    const found: JsonObject = { ...owned(config), session: { idleMinutes: 5 }, tools: { deny: ['other'] } };
    expect(drift(owned(config), around)).toEqual([]);
    expect(drift(found, around)).toMatchObject([{ kind: 'noted', key: 'tools.deny' }]);
    expect(missingExtras(found, config).map(({ path }) => path.join('.'))).toEqual([
      'tools.deny',
      'session.idleMinutes',
    ]);
    expect(drift({ mcp: { servers: { $include: './s' } } }, around)[0]).toMatchObject({
      kind: 'split',
      key: 'mcp.servers.$include',
    });
  });

  test('is remembered as it was written, also where a spec may not say it by now, and alone forgotten where it is forged', () => {
    const text = (of: unknown) =>
      JSON.stringify({ layout: 1, channels: [telegram], origins: ['https://gw.example'], config: of });
    const earlier = { ui: { title: `sk-${'a'.repeat(20)}`, token: 'x' } };
    expect(refusal(() => gatewaySpec({ ...bare, config: earlier }))).toMatch(/has the form of a secret/);
    expect(readWritten(text([earlier, config]))).toEqual({
      channels: [telegram],
      origins: ['https://gw.example'],
      models: [],
      config: [earlier, config],
    });
    expect(readWritten(text([{ a: 'x'.repeat(4096) }, config]))).toMatchObject({
      channels: [telegram],
      config: [config],
    });
  });

  test('is forgotten where the memory of it is forged', () => {
    const forged = (of: unknown) =>
      readWritten(JSON.stringify({ layout: 1, channels: [], origins: [], config: of })).config;
    expect(writtenFile).toBe('.creel-config.json');
    expect(forged([config])).toEqual([config]);
    expect(forged('x')).toEqual([]);
    expect(forged(['x', 1])).toEqual([]);
    expect(forged([JSON.parse(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`)])).toEqual([]);
    expect(readWritten(writtenText(written(config))).config).toEqual([config]);
  });
});

describe('[config] as people write it', () => {
  const text = `
release = "2026.9.6"

[config.tools]
deny = ["browser"]

[config.gateway.controlUi]
allowedOrigins = ["https://gw.example"]
`;

  test('becomes the config of a spec', () => {
    const draft = draftFromToml(text, 'gateway.toml');
    expect(draftFaults(draft, text, 'gateway.toml')).toEqual([]);
    expect(specFrom(draft).config).toEqual({
      tools: { deny: ['browser'] },
      gateway: { controlUi: { allowedOrigins: ['https://gw.example'] } },
    });
  });

  test.each<[string, RegExp]>([
    ['bind = "lan"', /^g\.toml, line 8: config\.gateway\.bind is refused: creel owns it/],
    ['since = 2026-01-01', /^g\.toml, line 8: config\.gateway\.since is a date/],
    ['password = "hunter2"', /^g\.toml, line 8: config\.gateway\.password is a secret by its name/],
  ])('is refused with its line: %s', (line, why) => {
    const bad = text.replace('[config.gateway.controlUi]', `[config.gateway]\n${line}\n[config.gateway.controlUi]`);
    const [{ said: fault } = { said: '' }] = draftFaults(draftFromToml(bad, 'g.toml'), bad, 'g.toml');
    expect(fault).toMatch(why);
    expect(fault).not.toContain('hunter2');
  });

  test('is held to the channels beside it', () => {
    const more = `${text}\n[config.channels.telegram]\nreplyToMode = "all"\n`;
    const channels = '[[channels]]\nkind = "telegram"\nbot_token = "secret:bot"\nallow_from = ["5550001"]\n';
    expect(draftFaults(draftFromToml(more, 'g'), more, 'g')).toEqual([
      expect.objectContaining({ said: expect.stringContaining('no [[channels]] table has kind = "telegram"') }),
    ]);
    expect(draftFaults(draftFromToml(more + channels, 'g'), more + channels, 'g')).toEqual([]);
  });
});
