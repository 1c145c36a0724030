import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { amazonRegistry } from '../../../src/adapters/registries/amazon.js';
import { hasDockerLogin } from '../../../src/adapters/registries/docker-logins.js';
import { pullLogin, registryOf } from '../../../src/adapters/registries/pull-logins.js';
import { Away, Refused } from '../../../src/domain/errors.js';
import { amazonLogin } from '../../../src/releases/ecr.js';
import { AmazonApi } from '../../ground/registries/amazon-api.js';
import { scratchDirectory } from '../../world/scratch.js';

const host = '123456789012.dkr.ecr.eu-central-1.amazonaws.com';
const own = { account: '123456789012', region: 'eu-central-1' };

describe('one of Amazon’s registries', () => {
  test.each([
    [host, own],
    [`${host}.cn:8443`, own],
    ['123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com', { account: '123456789012', region: 'us-gov-west-1' }],
    ['123456789012.dkr-ecr.eu-central-1.on.aws', own],
    ['public.ecr.aws', undefined],
    ['12345678901.dkr.ecr.eu-central-1.amazonaws.com', undefined],
    ['registry.example', undefined],
    ['127.0.0.1:5000', undefined],
  ])('is known by its name: %s', (name, is) => {
    expect(amazonRegistry(name)).toEqual(is);
  });
});

describe('its login, by the AWS SDK', () => {
  let amazon: AmazonApi;
  let home: string;
  beforeEach(async () => {
    amazon = await AmazonApi.open();
    home = scratchDirectory('creel-aws-');
    for (const name of Object.keys(process.env).filter((each) => each.startsWith('AWS_'))) vi.stubEnv(name, undefined);
    vi.stubEnv('HOME', home);
    for (const [name, value] of Object.entries(amazon.environment)) vi.stubEnv(name, value);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await amazon.close();
    fs.rmSync(home, { recursive: true, force: true });
  });

  test('is what ECR gives the account’s registry in its region, asked in its own protocol', async () => {
    amazon.answer = { password: 'a:b' };
    expect(await amazonLogin(own)).toEqual({ username: 'AWS', password: 'a:b' });
    expect(amazon.asked).toEqual([
      {
        target: 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken',
        body: { registryIds: ['123456789012'] },
        signedBy: expect.stringMatching(/^AKIDEXAMPLE\/\d{8}\/eu-central-1\/ecr\/aws4_request$/),
      },
    ]);
  });

  test('is not asked for where there are no credentials, and that is told with the cure', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, undefined);
    await expect(amazonLogin(own)).rejects.toMatchObject({
      kind: 'Refused',
      message: expect.stringMatching(
        /account 123456789012 in eu-central-1: there are no AWS credentials here.*AWS_PROFILE/,
      ),
    });
    expect(amazon.asked).toEqual([]);
  });

  test.each([
    ['AccessDeniedException', 400, 'Refused', 'may not ecr:GetAuthorizationToken'],
    ['UnrecognizedClientException', 400, 'Refused', 'AWS does not take the credentials here'],
    ['ExpiredTokenException', 400, 'Refused', 'AWS does not take the credentials here'],
    ['ServerException', 500, 'Registry', 'AWS does not answer as it should (ServerException'],
  ])('that is not given says why: %s', async (error, status, kind, says) => {
    amazon.answer = { error, status };
    await expect(amazonLogin(own)).rejects.toMatchObject({ kind, message: expect.stringContaining(says) });
    await expect(amazonLogin(own)).rejects.toThrow(/Nothing was made$/);
    await expect(amazonLogin(own)).rejects.not.toThrow(/example-secret/);
  });
});

describe('Docker’s command line has a login', () => {
  let root: string;
  beforeEach(() => {
    root = scratchDirectory('creel-docker-');
  });
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

  const has = (config: unknown) => {
    fs.writeFileSync(`${root}/config.json`, JSON.stringify(config));
    return hasDockerLogin(host, { PATH: `${root}:${process.env['PATH']}`, DOCKER_CONFIG: root });
  };
  const helper = (script: string) =>
    fs.writeFileSync(`${root}/docker-credential-ours`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });

  test('where its config file has one of that very registry', async () => {
    expect(await has({ auths: { [host]: { auth: 'QVdTOm9uY2U=' } } })).toBe(true);
    expect(await has({ auths: { [host]: {} } })).toBe(false);
    expect(await has({ auths: { 'registry.example': { auth: 'QVdTOm9uY2U=' } } })).toBe(false);
    expect(await has('no config')).toBe(false);
    expect(await hasDockerLogin(host, { HOME: `${root}/nobody` })).toBe(false);
  });

  test('where the helper that it names knows one', async () => {
    helper(`read -r asked; test "$asked" = ${host}`);
    expect(await has({ credsStore: 'ours' })).toBe(true);
    expect(await has({ credHelpers: { [host]: 'ours' } })).toBe(true);
    helper('echo credentials not found in native keychain; exit 1');
    expect(await has({ credsStore: 'ours' })).toBe(false);
    expect(await has({ credsStore: 'of-nobody' })).toBe(false);
  });
});

describe('what an image is pulled with', () => {
  let root: string;
  let amazon: AmazonApi;
  beforeEach(async () => {
    root = scratchDirectory('creel-pull-');
    amazon = await AmazonApi.open();
    for (const name of Object.keys(process.env).filter((each) => each.startsWith('AWS_'))) vi.stubEnv(name, undefined);
    vi.stubEnv('HOME', root);
    for (const [name, value] of Object.entries(amazon.environment)) vi.stubEnv(name, value);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await amazon.close();
    fs.rmSync(root, { recursive: true, force: true });
  });

  const digest = `@sha256:${'0'.repeat(64)}`;
  const by = (config: unknown, reference: string) => {
    fs.writeFileSync(`${root}/config.json`, JSON.stringify(config));
    return pullLogin(reference, { PATH: `${root}:${process.env['PATH']}`, DOCKER_CONFIG: root });
  };

  test.each([
    [`ghcr.io/openclaw/openclaw${digest}`, 'ghcr.io'],
    [`127.0.0.1:5000/openclaw${digest}`, '127.0.0.1:5000'],
    [`localhost/openclaw${digest}`, 'localhost'],
    [`openclaw/openclaw${digest}`, 'https://index.docker.io/v1/'],
    [`docker.io/openclaw/openclaw${digest}`, 'https://index.docker.io/v1/'],
    [`openclaw${digest}`, 'https://index.docker.io/v1/'],
  ])('goes by the registry of its reference: %s', (reference, registry) => {
    expect(registryOf(reference)).toBe(registry);
  });

  test('is the login of Docker’s config file, or of the helper that it names; none where there is none', async () => {
    const ghcr = `ghcr.io/openclaw/openclaw${digest}`;
    const auth = Buffer.from('me:it:self').toString('base64');
    const known = { username: 'me', password: 'it:self', serveraddress: 'ghcr.io' };
    expect(await by({ auths: { 'ghcr.io': { auth } } }, ghcr)).toEqual(known);
    expect(await by({ auths: { 'ghcr.io': { identitytoken: 't' } } }, ghcr)).toEqual({
      identitytoken: 't',
      serveraddress: 'ghcr.io',
    });
    expect(await by({ auths: { 'other.example': { auth } } }, ghcr)).toBeUndefined();
    expect(await by({}, `openclaw/openclaw${digest}`)).toBeUndefined();
    const helper = (said: string) =>
      fs.writeFileSync(`${root}/docker-credential-ours`, `#!/bin/sh\n${said}\n`, { mode: 0o755 });
    helper(`read -r asked; test "$asked" = ghcr.io && echo '{"ServerURL":"x","Username":"me","Secret":"it:self"}'`);
    expect(await by({ credHelpers: { 'ghcr.io': 'ours' } }, ghcr)).toEqual(known);
    helper(`echo '{"Username":"<token>","Secret":"t"}'`);
    expect(await by({ credsStore: 'ours' }, ghcr)).toMatchObject({ identitytoken: 't' });
    for (const said of ['exit 1', 'echo nothing of the sort']) {
      helper(said);
      expect(await by({ credsStore: 'ours' }, ghcr)).toBeUndefined();
    }
  });

  test('is what ECR gives for one of Amazon’s registries that Docker has none for; a refusal says what to do', async () => {
    amazon.answer = { password: 'a:b' };
    const image = `${host}/openclaw${digest}`;
    expect(await by({}, image)).toEqual({ username: 'AWS', password: 'a:b', serveraddress: host });
    expect(amazon.asked).toHaveLength(1);
    const auth = Buffer.from('AWS:mine').toString('base64');
    expect(await by({ auths: { [host]: { auth } } }, image)).toMatchObject({ password: 'mine' });
    expect(amazon.asked).toHaveLength(1);
    amazon.answer = { error: 'AccessDeniedException', status: 400 };
    await expect(by({}, image)).rejects.toThrow(
      /is not pulled: no login for .* may not ecr:GetAuthorizationToken.*#image-missing/,
    );
    await expect(by({}, image)).rejects.toBeInstanceOf(Refused);
    amazon.answer = { error: 'ServerException', status: 500 };
    await expect(by({}, image)).rejects.toBeInstanceOf(Away);
  });
});
