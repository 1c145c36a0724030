import getPort from 'get-port';
import { expect, test } from 'vitest';
import { metricNames } from '../../src/wire/metrics.js';
import { DirectoryGround } from '../ground/directory-ground.js';
import { DirectoryStage } from '../ground/directory-stage.js';
import { patienceMs } from '../ground/patience.js';
import { watchedSeries } from '../ground/watched-metrics.js';
import { TestServer } from '../ground/server.js';
import { testSpec } from '../world/open-test-world.js';

/** A sample as Prometheus reads it: `name{label="…"} value`, the labels in the order of the alphabet. */
type Sample = { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number };

function samplesOf(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, name = '', labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (value === undefined) return [];
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, said]) => [label, said]);
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}

test('K-4: a worker serves what its operations, steps and pages were, and how the deployment stands', async () => {
  const at = `127.0.0.1:${await getPort()}`;
  process.env['TEST_METRICS'] = at;
  const server = await TestServer.start();
  const ground = new DirectoryGround(server);
  const [served, parked] = [new DirectoryStage(ground), new DirectoryStage(ground)];
  const read = async () => samplesOf(await (await fetch(`http://${at}/metrics`)).text());
  const value = async (name: string, labels: Readonly<Record<string, string>> = {}) => {
    const wanted = Object.entries(labels);
    const found = (await read()).filter(
      (each) => each.name === name && wanted.every(([label, said]) => each.labels[label] === said),
    );
    return found.reduce((sum, each) => sum + each.value, 0);
  };
  const comes = (name: string, labels: Readonly<Record<string, string>>, wanted: number) =>
    expect
      .poll(() => value(name, labels), { timeout: patienceMs, message: `${name} ${JSON.stringify(labels)}` })
      .toBe(wanted);
  try {
    await ground.startWorker();
    await served.provision();
    await served.settled();
    const done = { kind: 'provision', outcome: 'done' };
    await comes(metricNames.operations, done, 1);
    expect(await value(`${metricNames.operationSeconds}_count`, done)).toBe(1);
    expect(await value(`${metricNames.operationSeconds}_sum`, done)).toBeGreaterThan(0);
    const joined = { step: 'join network', doing: 'do', outcome: 'done' };
    expect(await value(`${metricNames.stepSeconds}_count`, joined)).toBe(1);
    await comes(metricNames.gateways, { phase: 'ready' }, 1);
    await comes(metricNames.parks, {}, 0);

    parked.interfere('ensureOperator', 'fail');
    await parked.provision({ spec: { ...testSpec, parkMs: 3_600_000 } });
    await parked.until((found) => found.phase === 'parked');
    await comes(metricNames.parks, {}, 1);
    await comes(metricNames.attention, {}, 1);
    await comes(metricNames.gateways, { phase: 'parked' }, 1);
    await comes(metricNames.pages, { outcome: 'sent' }, 1);
    expect(await value(`${metricNames.stepSeconds}_count`, { step: 'pair operator', outcome: 'Refused' })).toBe(1);
    const client = await parked.client();
    const unknown = { workflowId: `unknown/${parked.id}`, taskQueue: ground.queue };
    const stuck = await client.workflow.start('of another build', unknown);
    const named = async () => (await read()).map(({ name }) => name);
    const missing = async () => {
      const there = await named();
      return watchedSeries().filter((name) => !there.includes(name));
    };
    await expect.poll(missing, { timeout: patienceMs }).toEqual([]);
    await stuck.terminate();

    await parked.remove();
    await parked.settled();
    await comes(metricNames.parks, {}, 0);
    await comes(metricNames.operations, { kind: 'provision', outcome: 'undone' }, 1);
    await comes(metricNames.operations, { kind: 'remove', outcome: 'done' }, 1);
    await comes(metricNames.gateways, { phase: 'ready' }, 1);
    await comes(metricNames.gateways, { phase: 'removed' }, 1);
    for (const name of [metricNames.open, metricNames.pagesOpen]) await comes(name, {}, 0);
    expect(await value(metricNames.counted)).toBeGreaterThan(1_700_000_000);
  } finally {
    delete process.env['TEST_METRICS'];
    await Promise.all([served.close(), parked.close()]);
    await ground.close();
    await server.stop();
  }
});
