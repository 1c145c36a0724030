import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Secret } from '../../../src/domain/secret.js';
import { createKey, nextKeyFile, openKey } from '../../../src/settings/key-file.js';
import type { ChangeRequest, PairRequest, ReshapeRequest, RotateRequest } from '../../../src/wire/change-requests.js';
import { gatewayWorkflowId } from '../../../src/wire/ids.js';
import { replyUpdate } from '../../../src/wire/messages.js';
import type { OperationKind } from '../../../src/wire/operation.js';
import type { ParkAnswer } from '../../../src/wire/park.js';
import type { ProvisionRequest, RemoveRequest } from '../../../src/wire/requests.js';
import type { Interference } from '../../ground/interference.js';
import { shortLimits } from '../../ground/stage.js';
import { DirectoryDevice } from '../../world/directory-device.js';
import { replaceFile } from '../../world/directory-files.js';
import { DirectoryGateway } from '../../world/directory-gateway.js';
import { testKeyHex } from '../../world/open-test-world.js';
import { layKey, testKeyFile } from '../../world/test-keys.js';
import type { RecordedGateway } from './recorded-gateway.js';
import type { Act } from './scenario.js';

type GatewayAct = Act<RecordedGateway>;

const place = { provider: 'local', host: 'local' } as const;

// What is waited for.

export const settled: GatewayAct = (gateway) => gateway.settled();

export const parked: GatewayAct = (gateway) => gateway.until(({ phase }) => phase === 'parked');

/** What was asked last waits until late attempts at the state are over. */
export const heldBack: GatewayAct = (gateway) => gateway.until(({ held }) => held !== undefined);

export const held =
  (activity: string): GatewayAct =>
  (gateway) =>
    gateway.held(activity);

/** What the gateway began by itself is over too. */
export const settledAfter =
  (kind: OperationKind): GatewayAct =>
  async (gateway) => {
    await gateway.until(({ last }) => last?.kind === kind);
    await gateway.settled();
  };

/** One thing after the other, and then nothing runs or waits. */
export const done =
  (...acts: GatewayAct[]): GatewayAct =>
  async (gateway) => {
    for (const act of acts) await act(gateway);
    await gateway.settled();
  };

// What is made to happen.

export const fail =
  (activity: string): GatewayAct =>
  (gateway) =>
    gateway.interfere(activity, 'fail');

export const hold =
  (activity: string, when: Interference = 'hold before'): GatewayAct =>
  (gateway) =>
    gateway.interfere(activity, when);

export const letGo =
  (activity: string): GatewayAct =>
  (gateway) =>
    gateway.letGo(activity);

export const loseContainer: GatewayAct = async (gateway) =>
  gateway.ground.world.engine.forget('container', await gateway.container());

export const loseOperation: GatewayAct = async (gateway) => {
  const { running } = await gateway.describe();
  await gateway.terminate(running?.workflowId ?? '');
};

/** Until an undo is over whose first attempt is held. */
export const undoTimedOut: GatewayAct = () => sleep(shortLimits.undoMs + 1_000);

export const continuedAsNew: GatewayAct = async (gateway) => {
  await gateway.continueAsNew();
  await gateway.renewed();
};

/** A device that nobody asked creel about. */
export const strangerPaired: GatewayAct = async (gateway) =>
  new DirectoryDevice(gateway.ground.world.root).pair(await gateway.container());

export const stored =
  (name: string, value: string): GatewayAct =>
  ({ ground }) =>
    ground.world.deps.secrets.write(name, new Secret(value));

/** The token of a bot that no other gateway has. */
export const ownBot: GatewayAct = (gateway) =>
  stored('bot', `${randomBytes(4).readUInt32BE()}:${'A'.repeat(35)}`)(gateway);

/** What the providers of all models do from now on. */
export const providerSays =
  (mood: 'answers' | 'wrong key'): GatewayAct =>
  ({ ground }) =>
    replaceFile(path.join(ground.root, 'provider'), mood);

// What is asked.

export const provision =
  (extra: Partial<ProvisionRequest> = {}): GatewayAct =>
  (gateway) =>
    gateway.provision({ spec: gateway.spec, ...extra });

/** Asked for, and waited for: a record that has just begun to run anew does not say yet that anything runs. */
export const provisionToItsEnd: GatewayAct = async (gateway) => {
  const { workflowId } = await gateway.provision({ spec: gateway.spec });
  await gateway.result(workflowId);
};

/** A gateway that is there. */
export const ready = done(provision());

/** Somebody ends the record, and the gateway is taken up again as what runs there. */
export const lostAndTakenUp =
  (release?: string): GatewayAct =>
  async (gateway) => {
    const birth = await gateway.birth();
    await gateway.terminate(gatewayWorkflowId(gateway.id));
    const spec = { ...gateway.spec, ...(release !== undefined && { release }) };
    await gateway.provision({ how: 'take up', birth, spec });
  };

export const remove =
  (extra: Partial<RemoveRequest> = {}): GatewayAct =>
  (gateway) =>
    gateway.remove(extra);

export const rotate =
  (extra: Partial<RotateRequest> = {}): GatewayAct =>
  (gateway) =>
    gateway.rotate(extra);

/** The world has a next key from now on. */
export const nextKeyLaid: GatewayAct = ({ ground }) => void createKey(nextKeyFile(layKey(ground.root, testKeyHex)));

export const rotateToNextKey: GatewayAct = (gateway) =>
  gateway.rotate({ keyId: openKey(nextKeyFile(testKeyFile(gateway.ground.root))).id });

export const upgrade = (release: string): GatewayAct =>
  ask({ kind: 'upgrade', requestId: release, origin: 'test', place, release, dev: true, retryFailed: false });

export const rollBack: GatewayAct = ask({ kind: 'rollback', requestId: 'back', origin: 'test', place });

export const change = (requestId: string, spec: Partial<ReshapeRequest>): GatewayAct =>
  ask({ kind: 'change', requestId, origin: 'test', place, ...spec });

/** A device that wants these scopes knocks, again and again unless the wait for it is short, and is to be let in. */
export const pair =
  (scopes: string[], extra: Partial<PairRequest> = {}): GatewayAct =>
  async (gateway) => {
    const device = gateway.newDevice(scopes);
    const container = await gateway.container();
    device.knock(container);
    if (extra.waitMs === undefined) void device.keepKnocking(container);
    const wish = {
      kind: 'pair',
      wanted: { deviceId: device.id },
      role: 'operator',
      scopes: [],
      waitMs: 20_000,
    } as const;
    await gateway.request({ ...wish, requestId: 'pair', origin: 'record', place, ...extra });
  };

/** The device of `pair` is turned down, or cut off. */
export const turnAway =
  (kind: 'deny' | 'unpair'): GatewayAct =>
  (gateway) =>
    gateway.request({ kind, deviceId: gateway.deviceId, requestId: kind, origin: 'record', place });

const kim = { channel: 'telegram', account: 'default', id: '5550001' };

/** A chat sender who was told a code, and says it. */
export const letIn: GatewayAct = async (gateway) => {
  const { senders } = DirectoryGateway.within(gateway.ground.world.root, await gateway.container());
  await letInBy(senders.tell(kim))(gateway);
};

/** Somebody says this code. */
export const letInBy =
  (code: string): GatewayAct =>
  (gateway) =>
    gateway.request({ kind: 'pair-sender', code, requestId: 'sender', origin: 'record', place });

/** The sender of `letIn` is shut out. */
export const takenOut: GatewayAct = ask({
  kind: 'unpair-sender',
  sender: kim.id,
  requestId: 'out',
  origin: 'record',
  place,
});

export const suspend: GatewayAct = ask({ kind: 'suspend', requestId: 'suspend', origin: 'record', reason: 'unpaid' });

export const resume: GatewayAct = ask({ kind: 'resume', requestId: 'resume', origin: 'record' });

/** Answers what is parked. */
export const say =
  (answer: ParkAnswer): GatewayAct =>
  async (gateway) => {
    const { park } = await gateway.until(({ phase }) => phase === 'parked');
    const handle = (await gateway.client()).workflow.getHandle(gatewayWorkflowId(gateway.id));
    await handle.executeUpdate(replyUpdate, { args: [{ park: park?.number ?? '', answer, origin: 'record' }] });
  };

function ask(request: ChangeRequest): GatewayAct {
  return (gateway) => gateway.request(request);
}
