import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { push } from '../../src/releases/push.js';
import { foundSocket } from '../ground/found.js';
import { ImageRegistry } from '../ground/image-registry.js';
import { scratchDirectory } from '../world/scratch.js';

/** An image of nothing goes through a real engine to a registry on loopback. */
const own = randomBytes(4).toString('hex');
const image = `creel-push-test/nothing:${own}`;
const version = '2026.9.6';
const scratch = scratchDirectory('creel-push-');

let registry: ImageRegistry;
beforeAll(async () => {
  fs.writeFileSync(`${scratch}/nothing.tar`, Buffer.alloc(10_240)); // Two blocks of zeros end a tar.
  expect(await docker(['import', `${scratch}/nothing.tar`, image])).toMatchObject({ exitCode: 0 });
});
afterAll(async () => {
  await docker(['rmi', image]);
  fs.rmSync(scratch, { recursive: true, force: true });
});
beforeEach(async () => {
  registry = await ImageRegistry.open();
});
afterEach(async () => {
  await docker(['rmi', `${registry.repository}:${version}`]);
  await registry.close();
});

function docker(args: readonly string[]) {
  return execa('docker', [...args], { env: { DOCKER_HOST: `unix://${foundSocket()}` }, reject: false });
}

const pushing = (signal = new AbortController().signal) => ({ engineSocket: foundSocket(), signal });

describe('an image', () => {
  it('goes to a registry, and is named by its digest; twice is once', async () => {
    const named = await push(pushing(), image, registry.repository, version);
    expect(named).toMatch(new RegExp(`^${registry.repository}@sha256:[0-9a-f]{64}$`));
    expect(registry.pushed()).toContain(`openclaw:${version}`);
    expect(await push(pushing(), image, registry.repository, version)).toBe(named);
  });

  it('whose push is interrupted leaves no push behind', async () => {
    const ending = new AbortController();
    registry.holdBack();
    const under = push(pushing(ending.signal), image, registry.repository, version);
    under.catch(() => undefined);
    await expect.poll(() => registry.waiting, { timeout: 30_000 }).toBeGreaterThan(0);
    ending.abort(new Error('interrupted'));
    await expect(under).rejects.toThrow();
    await expect.poll(pushes, { timeout: 30_000 }).toEqual([]);
    expect(registry.pushed()).toEqual([]);
  });
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
