import { afterEach, beforeEach, expect, test } from 'vitest';
import { LocalHost } from '../../../src/adapters/hosts/local-host.js';
import { ReachedHosts, type Reached } from '../../../src/adapters/hosts/reached-hosts.js';
import { Away, Foreign } from '../../../src/domain/errors.js';
import { ScriptedEngine } from '../../ground/engines/scripted-engine.js';

const place = { provider: 'local', host: 'local' } as const;
let engines: ScriptedEngine[] = [];

/** An engine of this id, with one volume that has its name. */
async function machine(name: string, id: string): Promise<Reached> {
  const script = await new ScriptedEngine().open();
  engines.push(script);
  const info = {
    ID: id,
    Architecture: 'x86_64',
    NCPU: 2,
    MemTotal: 2 ** 33,
    DockerRootDir: '/',
    Driver: 'overlay2',
  };
  script.answer = (asked) => {
    if (asked === 'GET /info') return { status: 200, body: info };
    if (asked === 'GET /version') return { status: 200, body: { Version: '29.0.1', ApiVersion: '1.52' } };
    return { status: 200, body: { Name: name, Labels: {} } };
  };
  const engine = { socketPath: script.socketPath, signal: () => undefined };
  const dial = async (): Promise<never> => {
    throw new Error(`dialled ${name}`);
  };
  return { name, host: new LocalHost(engine), engine, dial };
}

const down: Reached = {
  name: 'local',
  host: new LocalHost({ socketPath: '/nowhere/docker.sock', signal: () => undefined }),
  engine: { socketPath: '/nowhere/docker.sock', signal: () => undefined },
  dial: async () => {
    throw new Error('dialled nobody');
  },
};

beforeEach(() => {
  engines = [];
});
afterEach(async () => {
  for (const engine of engines) await engine.close();
});

test('a place is on the machine whose engine it names, once that was read', async () => {
  const hosts = new ReachedHosts(await machine('local', 'here'), [await machine('b1', 'there')]);
  await expect(hosts.readHost({ ...place, engine: 'there' })).rejects.toThrow(Foreign);
  expect((await hosts.readHost({ ...place, host: 'b1' })).engineId).toBe('there');
  expect((await hosts.readHost({ ...place, engine: 'there' })).engineId).toBe('there');
  expect(await hosts.engineAt({ ...place, engine: 'there' }).findVolume('v')).toMatchObject({ name: 'b1' });
  expect(await hosts.engineAt(place).findVolume('v')).toMatchObject({ name: 'local' });
  await expect(hosts.dial({ ...place, engine: 'there' }, 1)).rejects.toThrow('dialled b1');
});

test('a record that names a former id of an engine finds its machine', async () => {
  const former = (engine: string) => (engine === 'there' ? ['before'] : []);
  const hosts = new ReachedHosts(await machine('local', 'here'), [await machine('b1', 'there')], former);
  await hosts.readHost({ ...place, host: 'b1' });
  expect(await hosts.engineAt({ ...place, engine: 'before' }).findVolume('v')).toMatchObject({ name: 'b1' });
});

test('the nearest engine is the one beside the worker, and the first of its hosts where there is none', async () => {
  const b1 = await machine('b1', 'there');
  expect(await new ReachedHosts(await machine('local', 'here'), [b1]).findNearest()).toBe('here');
  expect(await new ReachedHosts(down, [b1]).findNearest()).toBe('there');
  await expect(new ReachedHosts(down, []).findNearest()).rejects.toThrow(Away);
});
