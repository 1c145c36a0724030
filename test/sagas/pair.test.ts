import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createActivities } from '../../src/activities/activities.js';
import type { Change } from '../../src/domain/changes/change.js';
import type { Changing } from '../../src/domain/gateway/changing.js';
import type { PairedDevice, Wanted } from '../../src/domain/devices/device.js';
import { ordinaryScopes, type Pairing } from '../../src/domain/changes/pairing.js';
import { Refused } from '../../src/domain/errors.js';
import { clockSkewMs } from '../../src/domain/thresholds.js';
import { attemptFailure } from '../../src/worker/attempt-failure.js';
import { deny, denySteps, pair, pairSteps, unpair, unpairSteps } from '../../src/workflows/pair/operation.js';
import { proveChange } from './proofs/prove-change.js';
import { DirectoryDevice } from '../world/directory-device.js';
import type { Held } from '../world/directory-gateway.js';
import { withChangeStage, type ChangeUnderProof } from './proofs/change-proofs.js';
import type { ChangeStage } from './proofs/change-stage.js';
import { at, noFault } from './proofs/faults.js';

const devices = new Map<ChangeStage, DirectoryDevice>();

/** Longer than any machine takes for what is to come: a pairing that is to be given up says so with a limit of its own. */
const waitMs = 120_000;

function pairing(wanted: Wanted, extra: Partial<Pairing> = {}): Pairing {
  return {
    kind: 'pair',
    wanted,
    role: 'operator',
    scopes: ordinaryScopes,
    waitMs,
    since: Date.now(),
    ...extra,
  };
}

function deviceOf(stage: ChangeStage): DirectoryDevice {
  const device = devices.get(stage);
  assert.ok(device);
  return device;
}

/** Two devices that say the same of themselves. */
function kitchens(stage: ChangeStage): [DirectoryDevice, DirectoryDevice] {
  const kitchen = () => new DirectoryDevice(stage.world.root, { displayName: 'Kitchen' });
  return [kitchen(), kitchen()];
}

async function pairedOf(stage: ChangeStage): Promise<readonly PairedDevice[]> {
  const { paired, own } = await stage.world.activities.findDevices(stage.gateway);
  return paired.filter(({ deviceId }) => deviceId !== own);
}

const proved: ChangeUnderProof = {
  operation: pair,
  steps: pairSteps,
  begin: async (stage) => {
    const device = new DirectoryDevice(stage.world.root, { displayName: 'Kitchen', platform: 'ios' });
    devices.set(stage, device);
    void device.keepKnocking(stage.names.container);
    return pairing({ name: 'kitchen', platform: 'iOS' });
  },
  isDone: async (stage) => {
    const { id } = deviceOf(stage);
    expect(await pairedOf(stage)).toMatchObject([{ deviceId: id, scopes: ['operator.read', 'operator.write'] }]);
  },
  isBack: async (stage) => {
    const device = deviceOf(stage);
    device.stop();
    expect(await pairedOf(stage)).toEqual([]);
    assert.equal(device.knock(stage.names.container), 'asks');
    await stage.world.activities.findGateway(stage.gateway);
  },
  end: async (stage) => devices.get(stage)?.stop(),
};

/** The same of a phone, which asks for one role after the other. */
const phone: ChangeUnderProof = {
  ...proved,
  begin: async (stage) => {
    const device = new DirectoryDevice(stage.world.root, { displayName: 'Kitchen', platform: 'ios' });
    devices.set(stage, device);
    void device
      .keepAsking(stage.names.container, [
        ['node', []],
        ['operator', ['operator.read', 'operator.write']],
      ])
      .catch(() => undefined); // The gateway went with its world.
    return pairing({ name: 'kitchen', platform: 'iOS' }, { role: 'operator,node' });
  },
  isDone: async (stage) => {
    const [found] = await pairedOf(stage);
    expect(found).toMatchObject({ deviceId: deviceOf(stage).id, scopes: ['operator.read', 'operator.write'] });
    expect(found?.roles.toSorted()).toEqual(['node', 'operator']);
  },
};

describe('pair a phone with two roles', () => {
  proveChange(phone);
});

describe('pair', () => {
  proveChange(proved);

  const on = (title: string, run: (stage: ChangeStage) => Promise<void>) =>
    it.concurrent(title, () => withChangeStage(proved, run));

  on('is done at once for a device that is paired and has connected', async (stage) => {
    const device = new DirectoryDevice(stage.world.root);
    const asked = device.keepKnocking(stage.names.container);
    const change = pairing({ deviceId: device.id });
    const first = await stage.run(change);
    assert.deepEqual([first.outcome, first.deviceId], ['done', device.id]);
    await asked;
    assert.equal((await stage.run(change)).outcome, 'done');
  });

  on('approves the current request of a device whose wish has changed', async (stage) => {
    const device = new DirectoryDevice(stage.world.root);
    assert.equal(device.knock(stage.names.container, undefined, ['operator.read']), 'asks');
    void device.keepKnocking(stage.names.container);
    const { outcome, proofs } = await stage.run(pairing({ deviceId: device.id }));
    assert.equal(outcome, 'done');
    expect(proofs?.at(-1)?.proof).toMatch(/connected at .* with role operator, operator.read, operator.write$/);
  });

  on('shows nobody what moves a cursor, hides or is a secret in what devices say of themselves', async (stage) => {
    const { container } = stage.names;
    const secret = stage.world.deps.keys.token(stage.gateway).reveal();
    const evil = `\u001B[2A\u001B[2KKitchen\u202E ${secret}`;
    const devices = [1, 2].map(
      () => new DirectoryDevice(stage.world.root, { displayName: evil, platform: '\u009B31mios' }),
    );
    for (const device of devices) device.knock(container);
    const { pending } = await stage.world.activities.findDevices(stage.gateway);
    expect(pending).toMatchObject([
      { displayName: 'Kitchen [secret]', platform: 'ios' },
      { displayName: 'Kitchen [secret]', platform: 'ios' },
    ]);
    const { reason } = await stage.run(pairing({ platform: 'ios' }));
    expect(reason).toContain('2 devices match');
    // oxlint-disable-next-line no-control-regex
    expect(reason).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u202E]/);
    expect(reason).not.toContain(secret);
    const asks = new DirectoryDevice(stage.world.root, { displayName: evil, scopes: ['operator.admin'] });
    asks.knock(container);
    const asked = await stage.run(pairing({ deviceId: asks.id }));
    expect(asked.reason).toContain('(Kitchen [secret], gateway-client, linux) asks for more than was allowed');
  });

  on('never approves by name when two match, and names both', async (stage) => {
    const two = ['Kitchen', 'kitchen'].map((displayName) => new DirectoryDevice(stage.world.root, { displayName }));
    for (const device of two) device.knock(stage.names.container);
    const { outcome, reason } = await stage.run(pairing({ name: 'Kitchen' }));
    assert.equal(outcome, 'undone');
    for (const { id } of two) expect(reason).toContain(id);
    expect(await pairedOf(stage)).toEqual([]);
  });

  on('by name, done again while a stranger of that name asks, is about the device that it let in', async (stage) => {
    const [first, stranger] = kitchens(stage);
    void first.keepKnocking(stage.names.container);
    const { outcome, deviceId } = await stage.run(pairing({ name: 'Kitchen' }), (step, doing, attempt) => {
      if (step === 'approve device' && attempt === 2) stranger.knock(stage.names.container);
      return at('approve device', 'do', 'lose the answer')(step, doing, attempt);
    });
    first.stop();
    assert.deepEqual([outcome, deviceId], ['done', first.id]);
    expect(await pairedOf(stage)).toMatchObject([{ deviceId: first.id }]);
    assert.equal(stranger.knock(stage.names.container), 'asks');
  });

  on('by name, with one let in by somebody else meanwhile and another that asks, names both', async (stage) => {
    const two = kitchens(stage);
    const change = pairing({ name: 'Kitchen' });
    two[0].pair(stage.names.container);
    two[1].knock(stage.names.container);
    const { outcome, reason } = await stage.run(change);
    assert.equal(outcome, 'undone');
    for (const { id } of two) expect(reason).toContain(`--device ${id}`);
    expect(await pairedOf(stage)).toMatchObject([{ deviceId: two[0].id }]);
  });

  on('by name neither takes nor removes what a pairing just before it let in', async (stage) => {
    const [earlier, wanted] = kitchens(stage);
    const asked = earlier.keepKnocking(stage.names.container);
    await stage.run(pairing({ name: 'Kitchen' }));
    await asked;
    const again = () => pairing({ name: 'Kitchen' }, { approved: [earlier.id] });
    expect((await stage.run({ ...again(), waitMs: 1 })).reason).toMatch(/^await request: .*has not asked/);
    wanted.knock(stage.names.container);
    expect((await stage.run({ ...again(), waitMs: 1 })).reason).toMatch(/^await device: .*has not connected/);
    expect(await pairedOf(stage)).toMatchObject([{ deviceId: earlier.id }]);
    void wanted.keepKnocking(stage.names.container);
    const { outcome, deviceId } = await stage.run(again());
    assert.deepEqual([outcome, deviceId], ['done', wanted.id]);
    expect(await pairedOf(stage)).toHaveLength(2);
  });

  on('refuses more than it allows, and lets pass exactly the sentence that an operator allowed', async (stage) => {
    const device = new DirectoryDevice(stage.world.root, { scopes: ['operator.admin'] });
    device.knock(stage.names.container);
    const change = pairing({ deviceId: device.id });
    const { outcome, reason } = await stage.run(change);
    assert.equal(outcome, 'undone');
    expect(reason).toMatch(/asks for more than was allowed: operator\.admin\..*--scopes operator\.admin$/);
    const sentence = reason.replace(/^approve device: /, '');
    const told: Changing<Pairing> = { ...stage.gateway, change, allowed: [sentence] };
    device.knock(stage.names.container, undefined, ['operator.admin', 'operator.talk.secrets']);
    await expect(stage.world.activities.ensureApproval(told)).rejects.toThrow('operator.admin, operator.talk.secrets');
    expect(await pairedOf(stage)).toEqual([]);
    device.knock(stage.names.container);
    await stage.world.activities.ensureApproval(told);
    expect(await pairedOf(stage)).toMatchObject([{ deviceId: device.id }]);
  });

  on('tells how to let in a device that asks for another role alone, which works', async (stage) => {
    const device = new DirectoryDevice(stage.world.root, { role: 'node', roles: ['node'], scopes: [] });
    void device.keepKnocking(stage.names.container);
    const { reason } = await stage.run(pairing({ deviceId: device.id }));
    expect(reason).toMatch(/asks for more than was allowed: role node\..*--role node$/);
    const { outcome } = await stage.run(pairing({ deviceId: device.id }, { role: 'node' }));
    assert.equal(outcome, 'done');
    expect(await pairedOf(stage)).toMatchObject([{ deviceId: device.id, roles: ['node'] }]);
  });

  on('asks an operator in words that reach him whole, however much a device asks for', async (stage) => {
    const scopes = (last: string) => [...Array.from({ length: 98 }, (_, index) => `ü${index}"`.repeat(9)), last];
    const displayName = '"ü'.repeat(40);
    const device = new DirectoryDevice(stage.world.root, { displayName, scopes: scopes('zz.one') });
    device.knock(stage.names.container);
    const change = pairing({ deviceId: device.id });
    const sentence = (await stage.run(change)).reason.replace(/^approve device: /, '');
    expect(attemptFailure(new Refused(sentence), 1).message).toBe(sentence);
    expect(sentence).toMatch(/: `creel deny g42 --device [0-9a-f]{64}` turns it down$/);
    const told: Changing<Pairing> = { ...stage.gateway, change, allowed: [sentence] };
    device.knock(stage.names.container, undefined, scopes('zz.two'));
    await expect(stage.world.activities.ensureApproval(told)).rejects.toThrow(/asks for more than was allowed/);
    device.knock(stage.names.container);
    await stage.world.activities.ensureApproval(told);
    expect(await pairedOf(stage)).toMatchObject([{ deviceId: device.id }]);
  });

  on('allows what it was told to, and a role that is not an operator’s only then', async (stage) => {
    const node = new DirectoryDevice(stage.world.root, { role: 'node', roles: ['node'], scopes: [] });
    void node.keepKnocking(stage.names.container);
    expect((await stage.run(pairing({ deviceId: node.id }))).reason).toContain('role node');
    assert.equal((await stage.run(pairing({ deviceId: node.id }, { role: 'node' }))).outcome, 'done');
  });

  on('gives up on a device that never asks, and on one that never comes back', async (stage) => {
    const device = new DirectoryDevice(stage.world.root);
    const change = pairing({ deviceId: device.id }, { waitMs: 1 });
    expect((await stage.run(change)).reason).toMatch(/^await request: it has not asked to be let in: given up/);
    device.knock(stage.names.container);
    const { outcome, reason } = await stage.run(change);
    assert.equal(outcome, 'undone');
    expect(reason).toMatch(/^await device: it was approved and has not connected: given up/);
    expect(await pairedOf(stage)).toEqual([]);
  });

  const hour = 3_600_000;

  for (const [gatewayMs, temporalMs] of [
    [hour, 0],
    [-hour, 0],
    [0, hour],
    [0, -hour],
    [hour, -hour],
  ] as const) {
    const clocks = `a gateway whose clock is ${gatewayMs / hour} h ahead and a server whose is ${temporalMs / hour} h`;

    on(`lets nobody stay that it let in, and takes nobody out that was in before, with ${clocks}`, async (stage) => {
      const { world, names } = stage;
      fs.writeFileSync(path.join(world.root, 'clock-ahead'), String(gatewayMs));
      const activities = createActivities({ ...world.deps, temporalNow: async () => Date.now() + temporalMs });
      const run = (wanted: Wanted, limitMs = waitMs) =>
        stage.runWith(activities, pairing(wanted, { waitMs: limitMs, since: Date.now() + temporalMs }), noFault);
      const [before, device] = kitchens(stage);
      before.pair(names.container);
      for (let wrong = 0; wrong < 4; wrong += 1) before.knock(names.container, 'old');
      await sleep(clockSkewMs + 10);
      device.knock(names.container);
      const { outcome, reason, proofs } = await run({ name: 'Kitchen' }, 1);
      assert.equal(outcome, 'undone');
      expect(reason).toMatch(/^await device: it was approved and has not connected/);
      expect(proofs?.at(-1)?.proof).toMatch(/removed again$/);
      expect(await pairedOf(stage)).toMatchObject([{ deviceId: before.id }]);
      void device.keepKnocking(names.container);
      const again = await run({ name: 'Kitchen' });
      assert.deepEqual([again.outcome, again.deviceId], ['done', device.id]);
    });
  }

  on('leaves a device paired that was so before, and says what stays', async (stage) => {
    const device = new DirectoryDevice(stage.world.root);
    const asked = device.keepKnocking(stage.names.container);
    await stage.run(pairing({ deviceId: device.id }));
    await asked;
    await sleep(clockSkewMs + 10);
    assert.equal(device.knock(stage.names.container, undefined, ['operator.approvals']), 'asks');
    const { outcome, proofs } = await stage.run(pairing({ deviceId: device.id }, { waitMs: 1 }));
    assert.equal(outcome, 'undone');
    expect(proofs?.at(-1)).toMatchObject({
      step: 'undo approve device',
      proof: expect.stringContaining(
        'was paired before and stays, now with role operator, operator.read, operator.write, operator.approvals',
      ),
    });
    expect(await pairedOf(stage)).toHaveLength(1);
  });

  on('takes creel’s own device for nobody’s to pair', async (stage) => {
    const { own } = await stage.world.activities.findDevices(stage.gateway);
    expect((await stage.run(pairing({ deviceId: own }))).reason).toContain("creel's own device");
  });

  on('S2-18: ends with the audit of every token source after more than three wrong tokens', async (stage) => {
    const device = new DirectoryDevice(stage.world.root, { clientId: 'openclaw-ios' });
    const change = pairing({ deviceId: device.id }, { waitMs: 2_000 });
    for (let wrong = 0; wrong < 3; wrong += 1) device.knock(stage.names.container, 'old');
    expect((await stage.run(change)).reason).toMatch(/has not asked gateway g42 to be let in yet/);
    device.knock(stage.names.container, 'old');
    const { reason } = await stage.run(change);
    expect(reason).toMatch(
      /^await request: 4 wrong tokens .*4 from openclaw-ios backend v1 at 10\.9\.8\.1.*holds generation 1 and no other \(2 places\)/,
    );
    const container = await stage.world.engine.findContainer(stage.names.container);
    const path = '/home/node/.openclaw/openclaw.json';
    const text = (await stage.world.engine.readFile(container?.id ?? '', path)) ?? '';
    const config: { gateway: { remote: { token: string } } } = JSON.parse(text);
    config.gateway.remote.token = 'another';
    const content = JSON.stringify(config);
    await stage.world.engine.writeFiles(container?.id ?? '', '/home/node/.openclaw', [
      { path: 'openclaw.json', content, mode: 0o600, uid: 1000 },
    ]);
    const found = await stage.run(change);
    expect(found.reason).toMatch(
      /the gateway itself holds another token than generation 1 .*gateway\.remote\.token in openclaw\.json/,
    );
    expect(found.reason).not.toContain('another"');
  });
});

describe('deny', () =>
  proveChange({
    operation: deny,
    steps: denySteps,
    begin: async (stage) => {
      const device = new DirectoryDevice(stage.world.root);
      devices.set(stage, device);
      device.knock(stage.names.container);
      return { kind: 'deny', deviceId: device.id };
    },
    isDone: async (stage) => {
      expect((await stage.world.activities.findDevices(stage.gateway)).pending).toEqual([]);
    },
    isBack: async (stage) => {
      expect(await pairedOf(stage)).toEqual([]);
      assert.equal(deviceOf(stage).knock(stage.names.container), 'asks');
      await stage.world.activities.findGateway(stage.gateway);
    },
  }));

describe('unpair', () => {
  /** Somebody's device that is cut off, somebody's that is not, and a session of each. */
  const held = new Map<ChangeStage, { readonly stays: string; readonly sessions: readonly [Held, Held] }>();

  proveChange({
    operation: unpair,
    steps: unpairSteps,
    begin: async (stage) => {
      const { container } = stage.names;
      const [goes, stays] = kitchens(stage);
      for (const device of [goes, stays]) device.pair(container);
      devices.set(stage, goes);
      held.set(stage, { stays: stays.id, sessions: [goes.stay(container), stays.stay(container)] });
      return { kind: 'unpair', deviceId: goes.id };
    },
    isDone: async (stage) => {
      expect((await pairedOf(stage)).map(({ deviceId }) => deviceId)).toEqual([held.get(stage)?.stays]);
      expect(held.get(stage)?.sessions.map((each) => each.isOpen())).toEqual([false, true]);
      assert.equal(deviceOf(stage).knock(stage.names.container), 'asks');
    },
    isBack: async (stage) => {
      expect((await pairedOf(stage)).map(({ deviceId }) => deviceId)).toContain(held.get(stage)?.stays);
      assert.equal(held.get(stage)?.sessions[1].isOpen(), true);
      await stage.world.activities.findGateway(stage.gateway);
    },
  });
});

describe('deny and unpair', () => {
  const on = (title: string, run: (stage: ChangeStage, device: DirectoryDevice) => Promise<void>) =>
    it.concurrent(title, () => withChangeStage(proved, (stage) => run(stage, new DirectoryDevice(stage.world.root))));
  const carryOut = (stage: ChangeStage, change: Change) => stage.carryOut(change);

  on('a denied request is gone, twice is once, and the device may ask again', async (stage, device) => {
    device.knock(stage.names.container);
    const denial: Change = { kind: 'deny', deviceId: device.id };
    assert.equal((await carryOut(stage, denial)).outcome, 'done');
    assert.equal((await carryOut(stage, denial)).outcome, 'done');
    expect((await stage.world.activities.findDevices(stage.gateway)).pending).toEqual([]);
    assert.equal(device.knock(stage.names.container), 'asks');
  });

  on('a device that is cut off has to ask again', async (stage, device) => {
    void device.keepKnocking(stage.names.container);
    await stage.run(pairing({ deviceId: device.id }));
    const unpairing: Change = { kind: 'unpair', deviceId: device.id };
    assert.equal((await carryOut(stage, unpairing)).outcome, 'done');
    expect(await pairedOf(stage)).toEqual([]);
    assert.equal(device.knock(stage.names.container), 'asks');
    assert.equal((await carryOut(stage, unpairing)).outcome, 'done');
    expect((await carryOut(stage, unpairing)).reason).toMatch(/^check device: .*neither paired nor does it wait/);
  });

  on('creel’s own device is not cut off', async (stage) => {
    const { own } = await stage.world.activities.findDevices(stage.gateway);
    const { outcome, reason } = await carryOut(stage, { kind: 'unpair', deviceId: own });
    assert.equal(outcome, 'undone');
    expect(reason).toContain('own device');
    await stage.world.activities.findGateway(stage.gateway);
  });
});
