import { existsSync } from 'node:fs';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { defineConfig } from 'vitest/config';

const minute = 60_000;

/** The files that take longest, of each tier: begun first, none of them runs alone in the end while a processor rests. */
const longest = [
  'sagas/interrupted sagas/replace sagas/ready sagas/mutants sagas/pair sagas/machine sagas/rotate',
  'contracts/fence-trial contracts/ssh/engine-over-ssh contracts/engine/docker-engine contracts/door/openclaw-door',
  'contracts/ssh/door-over-ssh contracts/chat-channels contracts/channel-tokens contracts/machines/machine-over-ssh contracts/fence contracts/fast-log',
  'temporal/front-door temporal/fleet temporal/upgrade temporal/logs temporal/rotate temporal/secrets/key-rotation temporal/apply',
  'temporal/hosts/own-machine temporal/releases temporal/outages temporal/installed temporal/cli temporal/examples',
  'e2e/machine-faults e2e/models e2e/upgrade e2e/lived-in e2e/rotate e2e/pair e2e/release e2e/answers',
  'e2e/own-machine e2e/demo-lightsail e2e/turn e2e/provision',
]
  .flatMap((line) => line.split(' '))
  .map((name) => `test/${name}.test.ts`);
for (const file of longest)
  if (!existsSync(file)) throw new Error(`vitest.config.ts names ${file}, which is not there`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => longest.findIndex((file) => moduleId.endsWith(`/${file}`));
    // oxlint-disable-next-line unicorn/no-array-sort
    const sorted = await super.sort(files);
    const long = sorted.filter((file) => place(file) >= 0).toSorted((one, other) => place(one) - place(other));
    return [...long, ...sorted.filter((file) => place(file) < 0)];
  }
}

export default defineConfig({
  test: {
    testTimeout: 5 * minute,
    hookTimeout: 5 * minute,
    maxConcurrency: 5,
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/ground/after-file.ts'],
  },
});
