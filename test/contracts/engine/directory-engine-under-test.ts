import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Marked } from '../../../src/ports/docker-engine.js';
import { DirectoryEngine } from '../../world/directory-engine.js';
import type { EngineUnderTest } from '../../ground/engines/engine-under-test.js';

/** An engine that is a directory, with what its contract does behind its back. */
export function directoryEngineUnderTest(root: string, Engine = DirectoryEngine): EngineUnderTest {
  const engine = new Engine(root);
  const imageId = `sha256:${'a'.repeat(64)}`;
  engine.addImage('creel/openclaw:2026.9.6', { id: imageId, labels: { 'creel.release': '2026.9.6' } });
  const prefix = `oc-ct-${randomBytes(3).toString('hex')}`;
  let counter = 0;
  return {
    engine,
    imageId,
    imageReference: 'creel/openclaw:2026.9.6',
    prefix,
    deployment: `contract-${randomBytes(3).toString('hex')}`,
    subnet: () => `10.198.${Math.floor(counter / 16)}.${(counter++ % 16) * 16}/28`,
    freePort: async () => 20_000 + counter++,
    occupyPort: async (port) => {
      engine.occupyPort(port, true);
      return async () => engine.occupyPort(port, false);
    },
    addNetwork: async (network) => engine.addNetwork(network) === 'created',
    inventory: async () => inventory(engine, prefix),
    forget: async (kind, name) => engine.forget(kind, name),
    crash: async (name) => engine.crash(name),
    fillMemory: async (name, megabytes) => engine.hold(name, 1 + megabytes),
    speak: async (name, lines) => engine.say(name, lines),
    askedBy: (signal) => new Engine(root, () => signal),
    sleeper: async () => sleeper(new Engine(root)),
    fill: async (volume) => {
      const directory = path.join(root, 'files', volume, 'many');
      fs.mkdirSync(directory, { recursive: true });
      for (let each = 0; each < 9; each += 1) fs.writeFileSync(path.join(directory, `${each}`), 'x');
    },
    asOwner: async (volume, script) =>
      void execFileSync('sh', ['-c', script], { cwd: path.join(root, 'files', volume), stdio: 'ignore' }),
    holdBack: () => engine.pauseCopies(4),
    letEnd: () => engine.resumeCopies(),
  };
}

function sleeper(engine: DirectoryEngine): Awaited<ReturnType<EngineUnderTest['sleeper']>> {
  let isAsleep = false;
  let wake = () => {};
  const awake = new Promise<void>((resolve) => {
    wake = resolve;
  });
  engine.beforeCopy = async () => {
    isAsleep = true;
    await awake;
  };
  return { engine, asleep: async () => isAsleep, wake, close: async () => undefined };
}

function inventory(engine: DirectoryEngine, prefix: string): Pick<Marked, 'kind' | 'name'>[] {
  const kinds = ['container', 'network', 'volume'] as const;
  return kinds.flatMap((kind) =>
    engine
      .leftovers()
      .filter((each) => each.startsWith(`${kind} ${prefix}`))
      .map((each) => ({ kind, name: each.slice(kind.length + 1) })),
  );
}
