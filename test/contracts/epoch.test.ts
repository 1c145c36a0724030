import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { demandEpoch } from '../../src/activities/parts/host/epoch.js';
import { DockerodeEngine } from '../../src/adapters/docker/engine.js';
import { epochVolumeName, firstEpoch, type Epoch } from '../../src/domain/recovery/epoch.js';
import { foundSocket } from '../ground/found.js';

/** A deployment of the test's own on the engine that is here. */
describe('a real engine, of which a deployment was taken over (K-6)', () => {
  const engine = new DockerodeEngine({ socketPath: foundSocket(), signal: () => undefined });
  const deployment = Array.from(randomBytes(10), (byte) => String.fromCharCode(97 + (byte % 26))).join('');
  const about = { creel: 'test', pager: false, deployment };
  const place = { provider: 'local', host: 'local' } as const;
  const meets = (epoch: Epoch) =>
    demandEpoch({ engineAt: () => engine, epoch, about }, place).then(
      () => 'obeyed',
      (error: Error) => error.message,
    );

  afterEach(async () => {
    for (const number of [2, 3]) await engine.removeVolume(epochVolumeName(deployment, number));
  });

  it('obeys one of two that come at once, in its epoch, and none that came before', async () => {
    expect(await meets(firstEpoch)).toBe('obeyed');
    const both = await Promise.all(['one', 'two'].map((id) => meets({ number: 3, id })));
    expect(both.filter((each) => each === 'obeyed')).toHaveLength(1);
    expect(await meets(firstEpoch)).toMatch(/no longer obeys epoch 1/);
    expect(await meets({ number: 2, id: 'between' })).toMatch(/no longer obeys epoch 2/);
    const marked = (await engine.listMarked()).filter(({ name }) => name.includes(deployment));
    expect(marked).toEqual([]); // A sweep must not take it for something that nobody owns.
  });
});
