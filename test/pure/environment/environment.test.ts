import { describe, expect, test } from 'vitest';
import { changeWays } from '../../../src/domain/changes/reconfiguration.js';
import { demandTimezone } from '../../../src/domain/environment/timezone.js';
import { gatewayContainer, trialContainer } from '../../../src/domain/gateway/container.js';
import { straightOut } from '../../../src/domain/hosts/egress.js';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import { changedSpec, gatewaySpec, type GatewaySpec } from '../../../src/domain/gateway/spec.js';
import { differences, waysTo } from '../../../src/domain/gateway/spec-words.js';
import { draftFaults, draftFromToml, specFrom } from '../../../src/settings/spec.js';
import { testSpec } from '../../world/open-test-world.js';
import { refusal } from '../refusal.js';

const bare: GatewaySpec = { ...testSpec, dev: false, cpus: 2 };
const environment = { COMPANY_NAME: 'Example & Söhne', LANG: 'de_DE.UTF-8' };
const gatewayOf = (spec: GatewaySpec): Gateway => ({
  mark: { deployment: 'abcdefghij', gateway: 'g42', birth: '7k3fq2', layout: 1 },
  place: { provider: 'local', host: 'local' },
  spec,
  tokenGeneration: 1,
  deviceGeneration: 1,
});

describe('the environment of a spec', () => {
  test('is taken as given, and "none" or an empty table takes it away', () => {
    const spec = gatewaySpec({ ...bare, environment, timezone: 'Europe/Berlin' });
    expect(spec).toMatchObject({ environment, timezone: 'Europe/Berlin' });
    expect(gatewaySpec(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
    expect(changedSpec(spec, { environment: 'none', timezone: 'none' })).toEqual(bare);
    expect(gatewaySpec({ ...bare, environment: {} })).toEqual(bare);
    expect(differences(bare, spec)).toBe(
      'timezone: has none, asked "Europe/Berlin"; environment: has none, asked COMPANY_NAME="Example & Söhne", LANG="de_DE.UTF-8"',
    );
    expect(waysTo('g42', bare, spec)).toContain(
      'creel change g42 --timezone "Europe/Berlin" --environment gateway.toml',
    );
  });

  test.each([
    'OPENCLAW_GATEWAY_TOKEN',
    'NODE_OPTIONS',
    'NODE_EXTRA_CA_CERTS',
    'PATH',
    'HOME',
    'LD_PRELOAD',
    'npm_config_registry',
    'XDG_CACHE_HOME',
    'SSL_CERT_FILE',
    'BASH_ENV',
  ])('refuses %s, which is set by others, by name', (name) => {
    expect(refusal(() => gatewaySpec({ ...bare, environment: { [name]: 'x' } }))).toBe(
      `environment.${name} is refused: creel, the release or the system itself sets it`,
    );
  });

  test.each<[Record<string, unknown>, RegExp]>([
    [{ OPENAI_API_KEY: 'hunter2' }, /OPENAI_API_KEY is refused: it is a secret by its name.*\[\[models\]\]/],
    [{ TELEGRAM_BOT_TOKEN: 'hunter2' }, /secret by its name/],
    [{ DB_PASS: 'hunter2' }, /secret by its name/],
    [{ NOTE: `sk-ant-${'a'.repeat(24)}hunter2` }, /NOTE has the form of a secret/],
    [{ DATABASE: 'postgres://u:hunter2@host/db' }, /DATABASE has the form of a secret/],
    [{ https_proxy: 'http://hunter2:3128' }, /a proxy is a setting of the host/],
    [{ TZ: 'hunter2' }, /it is `timezone` of the spec/],
    [{ 'A B': 'x' }, /a name must be 1 to 64 letters/],
    [{ 'A=B': 'x' }, /a name must be 1 to 64 letters/],
    [{ A: 'x\u001b[2J' }, /A has control characters/],
    [{ A: 'x\nB=y' }, /A has control characters/],
    [{ A: 1 }, /A must be a text in quotes/],
    [{ A: 'x'.repeat(600) }, /512 at most/],
  ])('refuses %j, and echoes no value', (given, why) => {
    const said = refusal(() => gatewaySpec({ ...bare, environment: given }));
    expect(said).toMatch(why);
    expect(said).not.toContain('hunter2');
  });

  test('knows the zones that there are, by the very name of their file', () => {
    for (const zone of ['Europe/Berlin', 'UTC', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5'])
      expect(() => demandTimezone(zone)).not.toThrow();
    expect(refusal(() => demandTimezone('Europe/Atlantis'))).toMatch(/is no zone/);
    expect(refusal(() => demandTimezone('Europe/BERLIN'))).toMatch(/Write "Europe\/Berlin"/);
    for (const wrong of ['../etc/passwd', 'europe/berlin', 'Europe/Berlin\n', '', 5])
      expect(refusal(() => gatewaySpec({ ...bare, timezone: wrong }))).toMatch(/must be the name of a zone/);
  });

  test('is in the container and in its trial; a spec without asks for the very container of before', () => {
    const container = gatewayContainer(gatewayOf({ ...bare, environment, timezone: 'Europe/Berlin' }), 'i', 1);
    expect(container.environment).toEqual({ HOME: '/home/node', ...environment, TZ: 'Europe/Berlin' });
    expect(container.labels['creel.shape']).toContain('"TZ":"Europe/Berlin"');
    expect(trialContainer(gatewayOf({ ...bare, environment }), 'i', {}, straightOut).environment).toMatchObject(
      environment,
    );
    expect(gatewayContainer(gatewayOf(bare), 'i', 1).labels['creel.shape']).not.toContain('environment');
    expect(gatewayContainer(gatewayOf(bare), 'i', 1).environment).toEqual({ HOME: '/home/node' });
  });

  test('comes with a new container', () => {
    expect(changeWays(bare, { ...bare, timezone: 'UTC' }, {})).toEqual(['new container']);
    expect(changeWays({ ...bare, environment }, { ...bare, environment: { ...environment } }, {})).toEqual([
      'record only',
    ]);
  });

  test('is written as `timezone` and [environment], and refused with its line', () => {
    const text = 'release = "2026.9.6"\ntimezone = "Europe/Berlin"\n\n[environment]\nCOMPANY_NAME = "Example"\n';
    expect(draftFaults(draftFromToml(text, 'g'), text, 'g')).toEqual([]);
    expect(specFrom(draftFromToml(text, 'g'))).toMatchObject({
      timezone: 'Europe/Berlin',
      environment: { COMPANY_NAME: 'Example' },
    });
    const bad = text.replace('Europe/Berlin', 'Europe/Atlantis').replace('COMPANY_NAME', 'NODE_OPTIONS');
    expect(draftFaults(draftFromToml(bad, 'g'), bad, 'g').map(({ said }) => said)).toEqual([
      expect.stringMatching(/^g, line 2: timezone "Europe\/Atlantis" is no zone/),
      expect.stringMatching(/^g, line 4: environment\.NODE_OPTIONS is refused/),
    ]);
  });
});
