import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GatewayRecord } from '../../src/domain/gateway-record.js';
import { configFile, stateDirectory } from '../../src/domain/gateway-config.js';
import { lookWorkflowId } from '../../src/workflows/ids.js';
import type { Description } from '../../src/workflows/requests.js';
import { names } from '../../src/domain/gateway.js';
import { gatewayToken, masterKey } from '../../src/domain/token.js';
import { startPeriodMs } from '../../src/domain/thresholds.js';
import { defaultLimits } from '../../src/workflows/limits.js';
import { TestServer } from '../temporal/server.js';
import { Stage } from '../temporal/stage.js';
import { testSpec } from '../world/open-test-world.js';
import { Owner } from './lived-in.js';
import { RealGround, testKey } from './real-ground.js';

/** Stops every process of the gateway where it stands. */
const stopGateway = `for each in /proc/[0-9]*; do grep -qa openclaw $each/cmdline && [ $$ != $(basename $each) ] && kill -STOP $(basename $each); done; true`;

describe.each(['2026.9.6', '2026.6.11'])('a gateway of release %s that somebody has lived in', (release) => {
  let ground: RealGround;
  let stage: Stage;
  let owner: Owner;
  let box: string;
  const spec = { ...testSpec, cpus: 2, release };
  const token = async (): Promise<string> => {
    const { life } = await stage.describe();
    if (!life) throw new Error('nothing lives');
    return gatewayToken(masterKey(testKey), life.mark, life.tokenGeneration).reveal();
  };

  beforeAll(async () => {
    ground = new RealGround(await TestServer.start());
    stage = new Stage(ground, defaultLimits);
    await ground.startWorker();
    await stage.provision({ spec });
    const { life, record, reason } = await stage.settled(240_000);
    if (!life || !record) throw new Error(`not ready: ${reason}`);
    box = names(life.mark).container;
    owner = new Owner(box, record.port);
  }, 300_000);

  afterAll(async () => {
    await stage?.close();
    await ground?.close();
    await ground?.server.stop();
  }, 120_000);

  it('keeps settings, files and phone through a rotation', async () => {
    const before = await owner.moveIn(release, await token());
    expect(before.phone).toEqual(['node', 'operator']);
    await stage.rotate();
    expect(await stage.settled(240_000)).toMatchObject({ phase: 'ready', last: { outcome: 'done', reason: '' } });
    expect(await owner.traces(await token())).toEqual(before);
  }, 400_000);

  /** Asks for a change, and answers why it was refused before anything was touched, and in how many seconds. */
  async function refused(ask: () => Promise<{ operation: number }>): Promise<string> {
    const began = Date.now();
    const { operation } = await ask();
    const { last } = await stage.until((found) => found.last?.operation === operation && !found.running, 120_000);
    expect(Date.now() - began).toBeLessThan(60_000);
    return last?.reason ?? '';
  }

  async function repaired(): Promise<Description> {
    const { operation } = await stage.provision({ spec });
    return stage.until((found) => found.last?.operation === operation && !found.running, 240_000);
  }

  async function look(): Promise<GatewayRecord> {
    const { life } = await stage.describe();
    const workflowId = lookWorkflowId(stage.id, life?.mark.birth ?? '', 'probe', randomBytes(4).toString('hex'));
    const args = [{ gateway: life, limits: defaultLimits }];
    return (await stage.client()).workflow.execute('probeGateway', { workflowId, taskQueue: ground.queue, args });
  }

  const restart = () => execa('docker', ['restart', '-t', '30', box]);

  it('works though its proxy list covers the bridge, which a look names; the list stays (T14)', async () => {
    const trustedProxies = ['127.0.0.1', '::1', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];
    await owner.put({ gateway: { trustedProxies } });
    await restart();
    expect(await repaired()).toMatchObject({ phase: 'ready', last: { outcome: 'done' } });
    const { findings } = await look();
    expect(findings).toEqual([expect.stringMatching(/gateway\.trustedProxies \(10\.0\.0\.0\/8\) covers 10\.214\./)]);
    for (const reclaim of [false, true]) {
      const { operation } = await stage.rotate({ reclaim });
      const found = await stage.until(({ last, running }) => last?.operation === operation && !running, 240_000);
      expect(found).toMatchObject({ phase: 'ready', last: { outcome: 'done', reason: '' } });
    }
    expect(await owner.inside('cat', `${stateDirectory}/${configFile}`)).toContain('10.0.0.0/8');
    await owner.replace('trustedProxies', []);
    await restart();
    await owner.serving();
  }, 600_000);

  it.each([
    ['gateway.tls.enabled', { tls: { enabled: true, autoGenerate: true } }],
    ['gateway.bind', { bind: 'loopback' }],
  ])(
    'names %s in seconds when its door is shut, and a repair puts it right with one start (S4-42)',
    async (key, gateway) => {
      await owner.put({ gateway });
      await restart();
      const sentence = `takes over what creel owns: ${key} is`;
      await expect(look()).rejects.toMatchObject({ cause: { cause: { message: expect.stringContaining(sentence) } } });
      for (const reclaim of [false, true]) expect(await refused(() => stage.rotate({ reclaim }))).toContain(sentence);
      const began = Date.now();
      expect(await repaired()).toMatchObject({ phase: 'ready', last: { outcome: 'done' } });
      process.stderr.write(`${release}: ${key} put right in ${Math.round((Date.now() - began) / 1000)} s\n`);
    },
    600_000,
  );

  it('says one sentence of a split config to all that write it, half-writes nothing, and goes on when it is whole again', async () => {
    const whole = await owner.inside('cat', `${stateDirectory}/${configFile}`);
    await owner.splitConfig();
    await restart();
    await owner.serving();
    const split = await owner.inside('cat', `${stateDirectory}/${configFile}`);
    const asks = [() => stage.rotate(), () => stage.rotate({ reclaim: true }), () => stage.provision({ spec })];
    for (const ask of asks)
      expect(await refused(ask)).toMatch(/is split: "gateway" comes from another file \(gateway\.\$include/);
    expect(await owner.inside('cat', `${stateDirectory}/${configFile}`)).toBe(split);
    await owner.putWhole(whole);
    await restart();
    expect(await repaired()).toMatchObject({ phase: 'ready', last: { outcome: 'done' } });
  }, 600_000);

  it.each(['SIGSTOP', 'pause'])(
    'that hangs (%s) is proved serving again within two minutes',
    async (how) => {
      await sleep(startPeriodMs); // A repair of one that has just started waits for it instead.
      if (how === 'pause') await execa('docker', ['pause', box]);
      else await owner.inside('sh', '-c', stopGateway);
      const began = Date.now();
      expect(await repaired()).toMatchObject({ phase: 'ready', last: { outcome: 'done' } });
      expect(Date.now() - began).toBeLessThan(120_000);
      process.stderr.write(`${release}: ${how} mended in ${Math.round((Date.now() - began) / 1000)} s\n`);
    },
    400_000,
  );

  it('starts again after its config was copied out and back, which hands it to root', async () => {
    await owner.copyConfigOutAndBack();
    await execa('docker', ['stop', '-t', '30', box]);
    expect(await repaired()).toMatchObject({ phase: 'ready', last: { outcome: 'done' } });
    const owned = await owner.inside('stat', '-c', '%u:%g %a', `${stateDirectory}/${configFile}`);
    expect(owned).toBe('1000:1000 600');
  }, 400_000);
});
