import { rotated, type Rotation } from '../../domain/changes/rotation.js';
import { Refused } from '../../domain/errors.js';
import { keyId as checkKeyId } from '../../domain/keys/deployment-keys.js';
import { lostGenerations, rotationMs } from '../../domain/thresholds.js';
import type { RotateRequest } from '../../wire/change-requests.js';
import { change } from '../record/operation.js';
import type { Life } from '../record/life.js';
import type { GatewayState } from '../record/state.js';

/** The next generation of the gateway token, applied and proved. */
export const rotateSteps = [
  'check rotation',
  'rehearse rotation',
  'apply token',
  'prove token',
  'prove refusal',
  'name devices',
  'read rotated',
] as const;

/** The same for a compromise: nobody but creel's new device stays in, and who must pair again is named before anybody goes. */
export const evictSteps = rotateSteps.flatMap((step) =>
  step === 'name devices' ? (['list devices', 'close sessions', 'evict devices', step] as const) : [step],
);

/** The same to another master key: creel's device of the old one is cut off. */
export const rekeySteps = rotateSteps.flatMap((step) =>
  step === 'name devices' ? (['retire device', step] as const) : [step],
);

/** The next generation of the gateway token: in force and proved, or the one on record as before (S3-24). */
export const rotate = change({
  kind: 'rotate',
  workflow: 'rotateToken',
  phase: 'rotating',
  steps: {
    'check rotation': { do: 'probeRotatable', pace: 'act' }, // only reads
    'rehearse rotation': { do: 'ensureRotationRehearsal', undo: 'removeRotationRehearsal', pace: 'wait' },
    'apply token': { do: 'ensureToken', undo: 'restoreToken', pace: 'act' },
    'prove token': { do: 'probeToken', pace: 'wait' }, // pairs creel's device, which goes with its state
    'prove refusal': { do: 'probeRefusal', pace: 'act', attempts: 2 }, // one wrong token, which the gateway forgets
    'list devices': { do: 'findEvicted', pace: 'act' }, // only reads
    'close sessions': { do: 'ensureShutOut', pace: 'act' }, // a device that is shut out can only ask again
    'evict devices': { do: 'ensureEvicted', pace: 'act' }, // a removed device has to pair again: it lost its key's trust
    'retire device': { do: 'ensureRetired', pace: 'act', undoneBy: 'apply token' }, // the way back pairs it again
    'name devices': { do: 'findStrangers', pace: 'act' }, // only reads
    'read rotated': { do: 'findRotated', pace: 'act' }, // only reads
  },
  list: ({ evict, nextKeyId }: Rotation) => (evict ? evictSteps : nextKeyId === undefined ? rotateSteps : rekeySteps),
  check: checkRotation,
  plan: planRotation,
  apply: applyRotation,
  within: ({ limits }) => limits.rotationMs ?? rotationMs,
  next: {
    done: (id) => [`creel token show ${id}`, `creel describe ${id}`],
    left: (id) => `creel rotate ${id} --reclaim`,
  },
});

function checkRotation({ reclaim, evict, keyId }: RotateRequest): void {
  if (typeof reclaim !== 'boolean' || typeof evict !== 'boolean')
    throw new Refused('a rotation says whether it reclaims and whether it evicts');
  if (keyId !== undefined) checkKeyId(keyId);
}

/** The generations that follow those on record. They are burned here, before anything uses them. */
function planRotation(_state: GatewayState, life: Life, asked: RotateRequest): Rotation {
  const { reclaim, evict, keyId } = asked;
  const { tokenGeneration, deviceGeneration } = life.gateway;
  const rekeys = keyId !== undefined && keyId !== life.gateway.keyId;
  const burned = life.burned ?? { token: tokenGeneration, device: deviceGeneration };
  const token = Math.max(burned.token, tokenGeneration) + 1;
  const device = Math.max(burned.device, deviceGeneration) + (evict || rekeys ? 1 : 0);
  life.burned = { token, device };
  const nextDeviceGeneration = evict || rekeys ? device : deviceGeneration;
  const approved = life.approved ?? [];
  const next = { nextTokenGeneration: token, nextDeviceGeneration, ...(rekeys && { nextKeyId: keyId }) };
  return { kind: 'rotate', ...next, reclaim, evict, approved };
}

/**
 * The new generations are those on record, and somebody has to hand the new token over. Where creel's device is another one,
 * the saved state still knows the devices that were put out, so it is dropped.
 */
function applyRotation(_state: GatewayState, life: Life, change: Rotation, now: number): void {
  const before = life.gateway;
  life.gateway = rotated({ ...before, change });
  life.handOver = { generation: change.nextTokenGeneration, since: now };
  if (change.evict) life.approved = [];
  if (life.former && change.nextDeviceGeneration !== before.deviceGeneration)
    life.former = { ...life.former, until: now };
}

/** Somebody has the token of this generation: a later one still waits. */
export function endHandOver({ life }: GatewayState, generation: number): void {
  if (life?.handOver && life.handOver.generation <= generation) delete life.handOver;
}

/** A life whose record was lost may have burned generations that nobody remembers. */
export function burnForgotten(life: Life, tokenGeneration: number): void {
  const device = life.burned?.device ?? life.gateway.deviceGeneration;
  life.burned = { token: Math.max(life.burned?.token ?? 0, tokenGeneration + lostGenerations), device };
}
