import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createActivities } from '../../src/activities/activities.js';
import type { Change } from '../../src/domain/changes/change.js';
import type { Gateway } from '../../src/domain/gateway/gateway.js';
import { configFile } from '../../src/domain/gateway/config.js';
import { rotated, type Rotation } from '../../src/domain/changes/rotation.js';
import { masterKey } from '../../src/domain/keys/token.js';
import { nextKeyFile } from '../../src/settings/key-file.js';
import type { DockerEngine } from '../../src/ports/docker-engine.js';
import type { OperationResult } from '../../src/wire/operation.js';
import { rekeySteps, rotateSteps, rotate } from '../../src/workflows/rotate/operation.js';
import { proveChange } from './proofs/prove-change.js';
import type { DirectoryEngine } from '../world/directory-engine.js';
import { replaceFile } from '../world/directory-files.js';
import { testKeyHex } from '../world/open-test-world.js';
import { layKey, testKeyFile } from '../world/test-keys.js';
import { withChangeStage, type ChangeUnderProof } from './proofs/change-proofs.js';
import type { ChangeStage } from './proofs/change-stage.js';
import { at, noFault } from './proofs/faults.js';
import type { FaultPlan } from './proofs/virtual-runtime.js';

const rotation: Rotation = {
  kind: 'rotate',
  nextTokenGeneration: 2,
  nextDeviceGeneration: 1,
  reclaim: false,
  evict: false,
  approved: [],
};

const nextKey = masterKey('cd'.repeat(32));
const rekeying: Rotation = { ...rotation, nextDeviceGeneration: 2, nextKeyId: nextKey.id };

describe('rotate to another master key', () =>
  proveChange({
    operation: rotate,
    steps: rekeySteps,
    begin: async (stage) => {
      layKey(stage.world.root, testKeyHex);
      writeFileSync(nextKeyFile(testKeyFile(stage.world.root)), 'cd'.repeat(32), { mode: 0o600 });
      return rekeying;
    },
    isDone: async (stage, change) => {
      const next = rotated({ ...stage.gateway, change: asRotation(change) });
      assert.notEqual(stage.world.deps.keys.token(next).reveal(), tokenOf(stage, { ...next, keyId: '' }));
      await serves(stage, next);
      await refuses(stage, stage.gateway);
      assert.deepEqual(await paired(stage, next), [stage.world.deps.keys.device(next).id]);
    },
    isBack: async (stage, change) => {
      await serves(stage, stage.gateway);
      await refuses(stage, rotated({ ...stage.gateway, change: asRotation(change) }));
      assert.deepEqual(await paired(stage, stage.gateway), [stage.world.deps.keys.device(stage.gateway).id]);
    },
  }));

/** The token of the same generation as the first key derives it. */
function tokenOf(stage: ChangeStage, { keyId: _keyId, ...gateway }: Gateway): string {
  return stage.world.deps.keys.token(gateway).reveal();
}

async function paired(stage: ChangeStage, gateway: Gateway): Promise<string[]> {
  const { paired } = await stage.world.activities.findDevices(gateway);
  return paired.map(({ deviceId }) => deviceId);
}

const rotating: ChangeUnderProof = {
  operation: rotate,
  steps: rotateSteps,
  begin: async () => rotation,
  isDone: async (stage, change) => {
    await serves(stage, rotated({ ...stage.gateway, change: asRotation(change) }));
    await refuses(stage, stage.gateway);
  },
  isBack: async (stage, change) => {
    await serves(stage, stage.gateway);
    await refuses(stage, rotated({ ...stage.gateway, change: asRotation(change) }));
  },
};

describe('rotate', () => proveChange(rotating));

const byRestart: ChangeUnderProof = {
  ...rotating,
  begin: async (stage) => {
    switchReloadOff(stage);
    return rotation;
  },
};

describe('what a rotation says of the sessions', () => {
  const on = (proved: ChangeUnderProof, title: string, run: (stage: ChangeStage) => Promise<void>) =>
    it.concurrent(title, () => withChangeStage(proved, run));
  const said = ({ proofs }: OperationResult) => proofs?.find(({ step }) => step === 'apply token')?.proof;
  const lost = at('apply token', 'do', 'lose the answer');

  on(rotating, 'is that nobody saw them, when the report of it was lost', async (stage) => {
    expect(said(await stage.run(rotation, lost))).toBe(
      'generation 2 in force, set by an earlier attempt whose report was lost: nobody saw what became of the sessions',
    );
  });

  on(byRestart, 'is that a restart closed them, also when the report of it was lost', async (stage) => {
    const change = await byRestart.begin(stage);
    expect(said(await stage.run(change, lost))).toBe(
      'generation 2 in force after a restart, which closed every session',
    );
  });

  on(rotating, 'is why no session of a device was watched, when there was none', async (stage) => {
    const { door } = stage.world.deps;
    const knock: typeof door.knock = async (...asked) => {
      const knocked = await door.knock(...asked);
      if (knocked.kind !== 'open') return knocked;
      const hello = { ...knocked.session.hello, deviceToken: undefined };
      return { kind: 'open', session: { ...knocked.session, hello } };
    };
    const bare = new Proxy(door, {
      get: (target, name) => (name === 'knock' ? knock : Reflect.get(target, name).bind(target)),
    });
    const activities = createActivities({ ...stage.world.deps, door: bare });
    expect(said(await stage.runWith(activities, rotation, noFault))).toMatch(
      /closed \(4001\), no device session was watched: creel’s device has no token of its own$/,
    );
  });
});

describe('rotate by a restart', () => {
  proveChange(byRestart);

  it.concurrent('killed after any call to the engine, it is done all the same', () =>
    afterEachCall('do', async (stage, run) => {
      const change = await byRestart.begin(stage);
      assert.equal((await run(change, noFault)).outcome, 'done');
      await byRestart.isDone(stage, change);
    }));

  it.concurrent('killed on its way back after any call to the engine, it is back all the same', () =>
    afterEachCall('undo', async (stage, run) => {
      const change = await byRestart.begin(stage);
      assert.equal((await run(change, at('prove refusal', 'do', 'refuse after'))).outcome, 'undone');
      await byRestart.isBack(stage, change);
    }));
});

type Run = (change: Change, plan: FaultPlan) => Promise<OperationResult>;

/** Plays once for each call to the engine that the token's step makes: its worker is killed after that one. */
async function afterEachCall(doing: 'do' | 'undo', play: Play): Promise<void> {
  let call = 1;
  while (await diesAfter(call, doing, play)) call += 1;
  assert.ok(call > 5, 'the step calls the engine');
}

type Play = (stage: ChangeStage, run: Run) => Promise<void>;

async function diesAfter(call: number, doing: 'do' | 'undo', play: Play): Promise<boolean> {
  let died = false;
  await withChangeStage(byRestart, async (stage) => {
    const engine = new DyingEngine(stage.world.engine);
    const activities = createActivities({ ...stage.world.deps, engineAt: () => engine.proxy });
    await play(stage, (change, plan) =>
      stage.runWith(activities, change, (...asked) => {
        if (asked[0] === 'apply token' && asked[1] === doing && asked[2] === 1) engine.dieAfter(call);
        return plan(...asked);
      }),
    );
    died = engine.died;
  });
  return died;
}

/** An engine whose caller dies after one of its calls took effect. */
class DyingEngine {
  readonly proxy: DockerEngine;
  died = false;
  #left = Infinity;

  constructor(engine: DirectoryEngine) {
    this.proxy = new Proxy<DockerEngine>(engine, {
      get:
        (target, name) =>
        async (...args: unknown[]) => {
          const answer: unknown = await Reflect.get(target, name).apply(target, args);
          this.#left -= 1;
          if (this.#left !== 0) return answer;
          this.died = true;
          throw new Error('the worker was made to die');
        },
    });
  }

  dieAfter(call: number): void {
    this.#left = call;
  }
}

it('a rotation that restarts is refused before anything is touched, with what the start would say (78)', async () => {
  await withChangeStage(byRestart, async (stage) => {
    await byRestart.begin(stage);
    const file = path.join(stage.world.root, 'files', stage.names.volume, configFile);
    const config: object = JSON.parse(readFileSync(file, 'utf8'));
    replaceFile(file, JSON.stringify({ ...config, customerNotes: { from: 'a shell tool' } }));
    const before = await stage.world.engine.findContainer(stage.names.container);
    const result = await stage.run(rotation);
    assert.equal(result.outcome, 'undone');
    assert.match(result.reason, /^rehearse rotation: .*\(exit 78\).*has customerNotes.*delete c\["customerNotes"\]/s);
    assert.deepEqual(await stage.world.engine.findContainer(stage.names.container), before);
    await serves(stage, stage.gateway);
    const { container, network, volume } = stage.names;
    assert.deepEqual(stage.world.engine.leftovers(), [
      `container ${container}`,
      `network ${network}`,
      `volume ${volume}`,
    ]);
  });
});

it('a gateway that an older creel keeps running only unless it was stopped is kept running by its next operation', async () => {
  await withChangeStage(rotating, async (stage) => {
    await rotating.begin(stage);
    for (const run of [
      async () => stage.world.activities.ensureRestartPolicy(stage.gateway),
      async () => assert.equal((await stage.run(rotation)).outcome, 'done'),
    ]) {
      const { id = '' } = (await stage.world.engine.findContainer(stage.names.container)) ?? {};
      await stage.world.engine.setRestartPolicy(id, 'unless-stopped');
      await run();
      assert.equal((await stage.world.engine.findContainer(stage.names.container))?.restartPolicy, 'always');
    }
  });
});

/** From its next start the gateway takes no change up while it runs. */
function switchReloadOff({ world, names }: ChangeStage): void {
  const file = path.join(world.root, 'files', names.volume, configFile);
  const config: { gateway: object } = JSON.parse(readFileSync(file, 'utf8'));
  replaceFile(file, JSON.stringify({ ...config, gateway: { ...config.gateway, reload: { mode: 'off' } } }));
}

function asRotation(change: Change): Rotation {
  assert.ok(change.kind === 'rotate');
  return change;
}

/** Exactly this generation is in force, for creel's device and with admin scope, and the engine keeps the gateway running. */
async function serves(stage: ChangeStage, gateway: Gateway): Promise<void> {
  const { operatorScopes, port } = await stage.world.activities.findGateway(gateway);
  assert.deepEqual(operatorScopes, ['operator.admin']);
  assert.ok(port > 0);
  const container = await stage.world.engine.findContainer(stage.names.container);
  assert.equal(container?.restartPolicy, 'always');
}

async function refuses(stage: ChangeStage, gateway: Gateway): Promise<void> {
  const { port } = await stage.world.activities.findGateway(gateway).catch(() => ({ port: 0 }));
  assert.equal(port, 0);
  const token = stage.world.deps.keys.token(gateway);
  const inside = { place: gateway.place, container: stage.names.container, token };
  assert.equal((await stage.world.deps.door.callInside(inside, [])).kind, 'wrong token');
}
