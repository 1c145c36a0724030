import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { amazonRegistry } from '../../src/adapters/registries/amazon.js';
import { pullLogin } from '../../src/adapters/registries/pull-logins.js';
import { DockerodeEngine } from '../../src/adapters/docker/engine.js';
import { Refused } from '../../src/domain/errors.js';
import { amazonLogin } from '../../src/releases/ecr.js';
import { push, type Pushing } from '../../src/releases/push.js';
import { AmazonApi } from '../ground/registries/amazon-api.js';
import { foundSocket } from '../ground/found.js';
import { ImageRegistry } from '../ground/registries/image-registry.js';
import { scratchDirectory } from '../world/scratch.js';

/** An image of nothing goes through a real engine to a registry on loopback that lets one password in. */
const own = randomBytes(4).toString('hex');
const image = `creel-push-test/nothing:${own}`;
const version = '2026.9.6';
const scratch = scratchDirectory('creel-push-');
const password = `${randomBytes(9).toString('base64url')}:${own}`;

let registry: ImageRegistry;
let amazon: AmazonApi;
beforeAll(async () => {
  fs.writeFileSync(`${scratch}/nothing.tar`, Buffer.alloc(10_240)); // Two blocks of zeros end a tar.
  expect(await docker(['import', `${scratch}/nothing.tar`, image])).toMatchObject({ exitCode: 0 });
});
afterAll(async () => {
  await docker(['rmi', image]);
  fs.rmSync(scratch, { recursive: true, force: true });
});
beforeEach(async () => {
  registry = await ImageRegistry.open({ username: 'AWS', password });
  amazon = await AmazonApi.open();
  for (const [name, value] of Object.entries(amazon.environment)) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await docker(['rmi', `${registry.repository}:${version}`]);
  await registry.close();
  await amazon.close();
});

function docker(args: readonly string[]) {
  return execa('docker', [...args], { env: { DOCKER_HOST: `unix://${foundSocket()}` }, reject: false });
}

/** As `creel release add` pushes to the registry of an account, which is on loopback here. */
async function pushing(signal = new AbortController().signal): Promise<Required<Pushing>> {
  const of = amazonRegistry('123456789012.dkr.ecr.eu-central-1.amazonaws.com');
  if (!of) throw new Error('it is a registry of Amazon’s');
  return { engineSocket: foundSocket(), signal, login: await amazonLogin(of) };
}

describe('an image', () => {
  it('goes to a registry of Amazon’s with the password that ECR gives, and is named by its digest', async () => {
    amazon.answer = { password };
    const named = await push(await pushing(), image, registry.repository, version);
    expect(named).toMatch(new RegExp(`^${registry.repository}@sha256:[0-9a-f]{64}$`));
    expect(registry.pushed()).toContain(`openclaw:${version}`);
    expect(await push(await pushing(), image, registry.repository, version)).toBe(named);
  });

  it('does not go there with another, or with none: in the registry’s words, without the password', async () => {
    amazon.answer = { password: 'of-yesterday' };
    const failed = push(await pushing(), image, registry.repository, version);
    await expect(failed).rejects.toThrow(/^the push of .* failed: .*(auth|denied|credentials)/i);
    await expect(failed).rejects.not.toThrow(/of-yesterday/);
    const bare = { engineSocket: foundSocket(), signal: new AbortController().signal };
    await expect(push(bare, image, registry.repository, version)).rejects.toThrow(
      /docker push failed: .*(auth|denied)/i,
    );
    expect(registry.pushed()).toEqual([]);
  });

  it('is pulled by the login of the worker’s user, asked for right before, and not without', async () => {
    amazon.answer = { password };
    const named = await push(await pushing(), image, registry.repository, version);
    await docker(['rmi', `${registry.repository}:${version}`]);
    const [host = ''] = registry.repository.split('/');
    const engineWith = (user: string | undefined) => {
      const auths = user === undefined ? {} : { [host]: { auth: Buffer.from(user).toString('base64') } };
      fs.writeFileSync(`${scratch}/config.json`, JSON.stringify({ auths }));
      const login = (reference: string) => pullLogin(reference, { DOCKER_CONFIG: scratch });
      return new DockerodeEngine({ socketPath: foundSocket(), signal: () => undefined, login });
    };
    const bare = engineWith(undefined);
    await expect(bare.pullImage(named, () => undefined)).rejects.toThrow(Refused);
    await expect(bare.pullImage(named, () => undefined)).rejects.toThrow(/auth.*`docker login`/i);
    await expect(engineWith('AWS:of-yesterday').pullImage(named, () => undefined)).rejects.toThrow(Refused);
    const engine = engineWith(`AWS:${password}`);
    await engine.pullImage(named, () => undefined);
    expect(await engine.findImage(named)).toBeDefined();
    await engine.removeImage(named);
  });

  it.each(['the login of ECR', 'Docker’s own'])(
    'whose push is interrupted leaves no push behind, by %s',
    async (by) => {
      amazon.answer = { password };
      const ending = new AbortController();
      registry.holdBack();
      const { login, ...bare } = await pushing(ending.signal);
      const under = push(by === 'Docker’s own' ? bare : { ...bare, login }, image, registry.repository, version);
      under.catch(() => undefined);
      await expect.poll(() => registry.waiting, { timeout: 30_000 }).toBeGreaterThan(0);
      ending.abort(new Error('interrupted'));
      await expect(under).rejects.toThrow();
      await expect.poll(pushes, { timeout: 30_000 }).toEqual([]);
      expect(registry.pushed()).toEqual([]);
    },
  );
});

/** The programs that push to the registry. */
function pushes(): string[] {
  const running = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return running.filter((pid) => commandOf(pid).includes(`${registry.repository}:${version}`));
}

function commandOf(pid: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // It has ended.
  }
}
