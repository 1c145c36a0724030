import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SpecChange } from '../../src/domain/gateway/spec.js';
import type { GatewayRecord } from '../../src/domain/gateway/reading.js';
import { configFile, stateDirectory } from '../../src/domain/gateway/config.js';
import { lookWorkflowId } from '../../src/wire/ids.js';
import type { Description } from '../../src/wire/description.js';
import type { Channel } from '../../src/domain/channels/channel.js';
import { names, type Gateway } from '../../src/domain/gateway/gateway.js';
import { gatewayToken, masterKey } from '../../src/domain/keys/token.js';
import { startPeriodMs } from '../../src/domain/thresholds.js';
import { defaultLimits } from '../../src/wire/limits.js';
import { atLength } from '../ground/at-length.js';
import { TestServer } from '../ground/server.js';
import { Stage } from '../ground/stage.js';
import { testSpec } from '../world/open-test-world.js';
import { BotApi, storeBot } from './outside/bot-api.js';
import { Owner, type Traces } from '../ground/lived-in.js';
import { RealGround, testKey } from '../ground/real-ground.js';
import { SilenceWatch } from './outside/silence.js';

/** Stops every process of the gateway where it stands. */
const stopGateway = `for each in /proc/[0-9]*; do grep -qa openclaw $each/cmdline && [ $$ != $(basename $each) ] && kill -STOP $(basename $each); done; true`;

let ground: RealGround;

beforeAll(async () => {
  ground = new RealGround(await TestServer.start());
  await ground.startWorker();
});

afterAll(async () => {
  await ground?.close();
  await ground?.server.stop();
}, 120_000);

/** A gateway of a release with its owner in it: each test leaves it ready for the next. */
class Home {
  readonly stage = new Stage(ground, defaultLimits);
  readonly #release: string;
  box = '';
  port = 0;
  channels: readonly Channel[] = [];
  owner = new Owner('', 0);
  before: Traces | undefined;

  constructor(release: string) {
    this.#release = release;
  }

  async moveIn(): Promise<void> {
    await this.stage.provision({ spec: this.spec });
    const { life, record, reason } = await this.stage.settled(240_000);
    if (!life || !record) throw new Error(`not ready: ${reason}`);
    this.box = names(life.mark).container;
    this.port = record.port;
    this.owner = new Owner(this.box, record.port);
    this.before = await this.owner.moveIn(this.#release, await this.token());
    expect(this.before.phone).toEqual(['node', 'operator']);
  }

  get spec() {
    return { ...testSpec, cpus: 2, release: this.#release, channels: this.channels };
  }

  async life(): Promise<Gateway> {
    const { life } = await this.stage.describe();
    if (!life) throw new Error('nothing lives');
    return life;
  }

  async token(): Promise<string> {
    const { mark, tokenGeneration } = await this.life();
    return gatewayToken(masterKey(testKey), mark, tokenGeneration).reveal();
  }

  /** What is its owner's is as it was. */
  async isAsBefore(): Promise<void> {
    expect(await this.owner.traces(await this.token())).toEqual(this.before);
  }

  /** Asks for a change, and answers why it was refused before anything was touched, within seconds. */
  async refused(ask: () => Promise<{ operation: number }>): Promise<string> {
    const began = Date.now();
    const { operation } = await ask();
    const { last } = await this.stage.until((found) => found.last?.operation === operation && !found.running, 120_000);
    expect(Date.now() - began).toBeLessThan(60_000);
    return last?.reason ?? '';
  }

  async repaired(): Promise<void> {
    const { operation } = await this.stage.provision({ spec: this.spec });
    expect(await this.ended(operation)).toMatchObject({ phase: 'ready', last: { outcome: 'done' } });
  }

  ended(operation: number): Promise<Description> {
    return this.stage.until((found) => found.last?.operation === operation && !found.running, 240_000);
  }

  async look(): Promise<GatewayRecord> {
    const gateway = await this.life();
    const workflowId = lookWorkflowId(this.stage.id, gateway.mark.birth, 'probe', randomBytes(4).toString('hex'));
    const args = [{ gateway, limits: defaultLimits }];
    return (await this.stage.client()).workflow.execute('probeGateway', { workflowId, taskQueue: ground.queue, args });
  }

  change(to: SpecChange): Promise<{ operation: number }> {
    return this.stage.request({ kind: 'change', requestId: randomBytes(8).toString('hex'), origin: 'test', ...to });
  }

  async container() {
    const found = await ground.engine.findContainer(this.box);
    if (!found) throw new Error('the gateway has no container');
    return found;
  }

  async restart(): Promise<void> {
    await execa('docker', ['restart', '-t', '30', this.box]);
  }

  /** Is killed as soon as it serves, again and again, until it says so of its channels. */
  async endUncleanUntil(said: RegExp): Promise<void> {
    const heard: string[] = [];
    while (!said.test(heard.at(-1) ?? '')) {
      if (heard.length > 5) throw new Error(`its channels say after ${heard.length} unclean ends: ${heard.join('; ')}`);
      await execa('docker', ['kill', this.box]);
      await execa('docker', ['start', this.box]);
      await this.owner.serving();
      heard.push((await this.look()).channels);
    }
  }

  config(): Promise<string> {
    return this.owner.inside('cat', `${stateDirectory}/${configFile}`);
  }

  /** The door is shut by a key: that is said in seconds, and a repair puts it right with one start. */
  async isShutBy(key: string, gateway: object): Promise<void> {
    await this.owner.put({ gateway });
    await this.restart();
    const sentence = `takes over what creel owns: ${key} is`;
    await expect(this.look()).rejects.toMatchObject({
      cause: { cause: { message: expect.stringContaining(sentence) } },
    });
    for (const reclaim of [false, true])
      expect(await this.refused(() => this.stage.rotate({ reclaim }))).toContain(sentence);
    await this.repaired();
  }

  /**
   * A repair of one that has just started waits for it; after that, one that hangs is told from a slow one and started again, and
   * proved serving.
   */
  async isMendedAfter(hang: () => Promise<unknown>): Promise<void> {
    const age = Date.now() - Date.parse((await this.container()).startedAt);
    await sleep(Math.max(0, startPeriodMs - age));
    await hang();
    const began = Date.now();
    await this.repaired();
    const { startedAt } = await this.container();
    expect(Date.parse(startedAt) - began).toBeLessThan(120_000);
    process.stderr.write(`mended in ${Math.round((Date.now() - began) / 1000)} s\n`);
  }
}

describe('a gateway of release 2026.9.6 that somebody has lived in', () => {
  let home: Home;

  beforeAll(async () => {
    home = new Home('2026.9.6');
    await home.moveIn();
  }, 400_000);
  afterAll(() => home?.stage.close());

  it('keeps settings, files and phone through a rotation', async () => {
    const { operation } = await home.stage.rotate();
    expect(await home.ended(operation)).toMatchObject({ phase: 'ready', last: { outcome: 'done', reason: '' } });
    await home.isAsBefore();
  }, 300_000);

  it('is given other memory and processors without a moment of silence, and keeps what is its owner’s', async () => {
    const { startedAt } = await home.container();
    const watch = new SilenceWatch(home.port);
    const { operation } = await home.change({ memoryMb: 2_560, cpus: 1.5 });
    const changed = await home.ended(operation);
    const { answered, failed } = await watch.end();
    expect(changed).toMatchObject({
      phase: 'ready',
      life: { spec: { memoryMb: 2_560, cpus: 1.5 } },
      last: { kind: 'change', outcome: 'done', reason: '' },
    });
    expect(failed).toEqual([]);
    expect(answered).toBeGreaterThan(5);
    expect(await home.container()).toMatchObject({ startedAt, memoryMb: 2_560, cpus: 1.5, restartPolicy: 'always' });
    await home.isAsBefore();
    const back = await home.change({ memoryMb: home.spec.memoryMb, cpus: home.spec.cpus });
    expect(await home.ended(back.operation)).toMatchObject({ last: { outcome: 'done', reason: '' } });
  }, 300_000);

  it('answers nobody while it is suspended, and is resumed on its port with all that is its owner’s', async () => {
    const asked = { requestId: randomBytes(8).toString('hex'), origin: 'test' };
    const suspended = await home.stage.request({ ...asked, kind: 'suspend', reason: 'unpaid' });
    expect(await home.ended(suspended.operation)).toMatchObject({ phase: 'suspended', last: { outcome: 'done' } });
    expect(await home.container()).toMatchObject({ state: 'exited', restartPolicy: 'no' });
    await expect(fetch(`http://127.0.0.1:${home.port}/readyz`)).rejects.toThrow('fetch failed');
    const resumed = await home.stage.request({ ...asked, requestId: `${asked.requestId}-2`, kind: 'resume' });
    expect(await home.ended(resumed.operation)).toMatchObject({
      phase: 'ready',
      record: { port: home.port },
      last: { outcome: 'done', reason: '' },
    });
    await home.isAsBefore();
  }, 300_000);

  it('that hangs with every process stopped is started again within two minutes and proved serving', async () => {
    await home.isMendedAfter(() => home.owner.inside('sh', '-c', stopGateway));
    await home.isAsBefore();
  }, 400_000);

  describe('and who put a bot of his own into accounts.default', () => {
    const [his, creels] = ['H', 'C'].map((letter) => `123456789:${letter.repeat(35)}`);
    const channels: Channel[] = [{ kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom: ['2'] }];
    let api: BotApi;

    beforeAll(async () => {
      api = await new BotApi().open();
      await api.answer(ground, await home.life());
      const second = { enabled: true, defaultAccount: 'default', dmPolicy: 'allowlist', allowFrom: ['5550001'] };
      await home.owner.put({ channels: { telegram: { ...second, accounts: { default: { botToken: his } } } } });
      await home.restart();
      await home.owner.serving();
    }, 240_000);
    afterAll(() => api?.close());

    it('has creel’s in force after a change, and his no more', async () => {
      await expect.poll(() => api.tokens, { timeout: 60_000 }).toContain(his);
      await storeBot(ground, 'bot', creels ?? '');
      const { operation } = await home.change({ channels });
      expect(await home.ended(operation)).toMatchObject({ phase: 'ready', last: { outcome: 'done', reason: '' } });
      home.channels = channels;
      const since = api.tokens.length;
      await expect.poll(() => api.tokens.slice(since).length, { timeout: 60_000 }).toBeGreaterThan(5);
      expect([...new Set(api.tokens.slice(since))]).toEqual([creels]);
      expect((await home.look()).channels).toBe('telegram connected');
      await home.isAsBefore();
    }, 240_000);

    it('is told of another that polls with its token', async () => {
      api.isPolledByAnother = true;
      const said = expect.stringContaining('another program polls with the same bot token');
      await expect.poll(async () => (await home.look()).channels, { timeout: 60_000 }).toEqual(said);
      api.isPolledByAnother = false;
    }, 120_000);

    it('is connected again by a repair, without a start, when its gateway starts no channel after unclean ends', async () => {
      await home.endUncleanUntil(/its token is good and it is stopped: .*restart-loop breaker tripped/);
      const { startedAt } = await home.container();
      await home.repaired();
      expect((await home.look()).channels).toBe('telegram connected');
      expect(await home.container()).toMatchObject({ startedAt });
      const { operation } = await home.change({ channels: [] });
      expect(await home.ended(operation)).toMatchObject({ phase: 'ready', last: { outcome: 'done', reason: '' } });
      home.channels = [];
      await home.isAsBefore();
    }, 400_000);
  });

  it('works though its proxy list covers the bridge, which a look names; the list stays (T14)', async () => {
    const trustedProxies = ['127.0.0.1', '::1', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];
    await home.owner.put({ gateway: { trustedProxies } });
    await home.restart();
    await home.repaired();
    const { findings } = await home.look();
    expect(findings).toEqual([expect.stringMatching(/gateway\.trustedProxies \(10\.0\.0\.0\/8\) covers 10\.214\./)]);
    for (const reclaim of [false, true]) {
      const { operation } = await home.stage.rotate({ reclaim });
      expect(await home.ended(operation)).toMatchObject({ phase: 'ready', last: { outcome: 'done', reason: '' } });
    }
    expect(await home.config()).toContain('10.0.0.0/8');
  }, 400_000);

  it('names gateway.bind in seconds when its door is shut, and a repair puts it right with one start (S4-42)', async () => {
    await home.owner.replace('trustedProxies', []);
    await home.isShutBy('gateway.bind', { bind: 'loopback' });
  }, 400_000);

  it('says one sentence of a split config to all that write it, half-writes nothing, and goes on when it is whole again', async () => {
    const whole = await home.config();
    await home.owner.splitConfig();
    await home.restart();
    await home.owner.serving();
    const split = await home.config();
    const asks = [
      () => home.stage.rotate(),
      () => home.stage.rotate({ reclaim: true }),
      () => home.stage.provision({ spec: home.spec }),
    ];
    for (const ask of asks)
      expect(await home.refused(ask)).toMatch(/is split: "gateway" comes from another file \(gateway\.\$include/);
    expect(await home.config()).toBe(split);
    await home.owner.putWhole(whole);
    await home.restart();
    await home.repaired();
  }, 400_000);

  it('starts again after its config was copied out and back, which hands it to root', async () => {
    await home.owner.copyConfigOutAndBack();
    await execa('docker', ['stop', '-t', '30', home.box]);
    await home.repaired();
    const owned = await home.owner.inside('stat', '-c', '%u:%g %a', `${stateDirectory}/${configFile}`);
    expect(owned).toBe('1000:1000 600');
  }, 400_000);
});

atLength(describe)('a gateway of release 2026.6.11 that somebody has lived in', () => {
  let home: Home;

  beforeAll(async () => {
    home = new Home('2026.6.11');
    await home.moveIn();
  }, 400_000);
  afterAll(() => home?.stage.close());

  it('names gateway.tls.enabled in seconds when its door is shut, and a repair puts it right with one start (S4-42)', async () => {
    await home.isShutBy('gateway.tls.enabled', { tls: { enabled: true, autoGenerate: true } });
    await home.isAsBefore();
  }, 400_000);

  it('that is paused is started again within two minutes and proved serving', async () => {
    await home.isMendedAfter(() => execa('docker', ['pause', home.box]));
    await home.isAsBefore();
  }, 400_000);
});
