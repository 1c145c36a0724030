import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configFile, stateDirectory } from '../../src/domain/gateway/config.js';
import { readStateMark, stateMarkFile, stateMarkPath, writeStateMark } from '../../src/domain/gateway/state-mark.js';
import { foundSocket } from '../ground/found.js';
import { clear, left, Scene, target, type EngineUnderTest } from '../ground/engines/engine-under-test.js';
import { openDocker } from '../ground/engines/open-docker.js';

const runbook = fs.readFileSync('docs/runbook.md', 'utf8').replaceAll(/\s+/g, ' ');

/** The one command of the runbook that begins so, as somebody types it: with the names of this gateway in the place of those shown. */
function typed(begin: string, names: Readonly<Record<string, string>>): string {
  const found = new Set(
    [...runbook.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text).filter((each) => each.startsWith(begin)),
  );
  expect([...found], begin).toHaveLength(1);
  const [command = ''] = found;
  const filled = Object.entries(names).reduce((text, [shown, name]) => text.replaceAll(shown, name), command);
  expect(filled).not.toMatch(/…|<id>|<image>|<container>|\bIMAGE\b/);
  return filled;
}

describe('what the runbook tells people to do by hand', () => {
  let world: EngineUnderTest;
  let scratch: string;
  beforeAll(async () => {
    world = await openDocker();
    scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'creel-by-hand-'));
  });
  afterAll(async () => {
    fs.rmSync(scratch, { recursive: true });
    await clear(world);
    expect(await left(world)).toEqual([]);
  });

  const type = async (command: string) => {
    const env = { DOCKER_HOST: `unix://${foundSocket()}` };
    return (await execa('bash', ['-c', command], { cwd: scratch, env })).stdout;
  };
  const inside = async (scene: Scene, script: string) => {
    const { id } = await scene.find(scene.base);
    return (await world.engine.exec(id, { command: ['sh', '-c', script], input: '', timeoutMs: 20_000 })).stdout.trim();
  };
  const file = (name: string, content: string, uid = 1000) => ({ path: name, content, mode: 0o600, uid });
  const owner = (name: string) => `stat -c '%a %u %g' ${target}/${name}`;

  test('a config that is copied out, mended and written back keeps its owner and its mode', async () => {
    const scene = new Scene(world, 'mended');
    const { id } = await scene.running();
    await world.engine.writeFiles(id, target, [file(configFile, '{ broken')]);
    await type(typed('docker cp ', { 'oc-…': scene.base }));
    fs.writeFileSync(path.join(scratch, configFile), '{"mended":true}');
    await type(typed('docker exec -i ', { 'oc-…': scene.base }));
    expect(await world.engine.readFile(id, `${stateDirectory}/${configFile}`)).toBe('{"mended":true}');
    expect(await inside(scene, owner(configFile))).toBe('600 1000 1000');
  });

  test('a state whose files went to root is the gateway’s again', async () => {
    const scene = new Scene(world, 'rooted');
    const { id } = await scene.running();
    await world.engine.writeFiles(id, target, [file('notes.txt', 'mine', 0)]);
    expect(await inside(scene, `cat ${target}/notes.txt || echo refused`)).toBe('refused');
    const image = await type(typed("docker inspect -f '{{.Image}}'", { 'oc-…': scene.base }));
    await type(typed('docker run --rm --user 0', { 'oc-…': scene.base, IMAGE: image }));
    expect(await inside(scene, `cat ${target}/notes.txt; ${owner('notes.txt')}`)).toBe('mine600 1000 1000');
  });

  test('a torn state is whole again once its saved state was copied over it', async () => {
    const scene = new Scene(world, 'torn');
    const { id } = await scene.container();
    const mark = { birth: '7k3fq2', release: '2026.9.6', copy: 'first', whole: true };
    await world.engine.writeFiles(id, target, [file('kept.json', 'saved'), file(stateMarkFile, writeStateMark(mark))]);
    await world.engine.createVolume({ name: `${scene.base}-snap-a`, labels: scene.labels });
    await world.engine.renameContainer(id, `${scene.base}-old`);
    const copy = { state: `${scene.base}-state`, saved: `${scene.base}-snap-a`, copier: `${scene.base}-copy` };
    const whole = { ...mark, copy: 'a/7' };
    await world.engine.saveVolume({
      ...copy,
      gateway: scene.base,
      labels: scene.labels,
      imageId: world.imageId,
      whole,
    });
    const torn = writeStateMark({ ...whole, whole: false });
    await world.engine.writeFiles(id, target, [file('kept.json', 'half'), file('torn', ''), file(stateMarkFile, torn)]);
    await type(typed('docker run --rm -u 0', { 'oc-<id>-<birth>': scene.base, '<image>': world.imageId }));
    expect(readStateMark(await world.engine.readFile(id, stateMarkPath))?.whole).toBe(true);
    await world.engine.renameContainer(id, scene.base);
    await world.engine.startContainer(id);
    const seen = await inside(scene, `cat ${target}/kept.json; ls ${target}; ${owner('kept.json')}; ${owner('.')}`);
    expect(seen).toBe('savedkept.json\n600 1000 1000\n700 1000 1000');
  });

  test('a volume that was lost is made again with its labels, and is the gateway’s', async () => {
    const scene = new Scene(world, 'lost');
    const name = `${scene.base}-state`;
    const names = { '…': world.deployment, g42: 'lost', [`oc-lost-7k3fq2-state`]: name };
    await type(typed('docker volume create', names));
    expect(await world.engine.findVolume(name)).toEqual({ name, labels: scene.labels });
  });

  test('a container that was stopped by hand is not brought back by its engine, and is found by its gateway with its birth', async () => {
    const scene = new Scene(world, 'still');
    await scene.running({ restartPolicy: 'always' });
    await type(typed('docker update --restart no', { '<container>': scene.base }));
    expect(await scene.find(scene.base)).toMatchObject({ restartPolicy: 'no', state: 'running' });
    const names = { 'creel.gateway=g42': `creel.deployment=${world.deployment} --filter label=creel.gateway=still` };
    expect(await type(typed('docker ps -a --filter label=creel.gateway=g42 --format', names))).toBe('7k3fq2');
    const labels = await type(typed("docker inspect --format '{{json .Config.Labels}}'", { NAME: scene.base }));
    expect(JSON.parse(labels)).toMatchObject(scene.labels);
  });
});
