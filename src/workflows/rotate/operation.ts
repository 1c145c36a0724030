import type { Gateway } from '../../domain/gateway/gateway.js';
import { rotated, type Rotation } from '../../domain/changes/rotation.js';
import { lostGenerations } from '../../domain/thresholds.js';
import type { RotateRequest } from '../../wire/change-requests.js';
import type { GatewayState } from '../record/state.js';

/** The generations that follow those on record. They are burned here, before anything uses them. */
export function planRotation(state: GatewayState, life: Gateway, asked: RotateRequest): Rotation {
  const { reclaim, evict, keyId } = asked;
  const rekeys = keyId !== undefined && keyId !== life.keyId;
  const burned = state.burned ?? { token: life.tokenGeneration, device: life.deviceGeneration };
  const token = Math.max(burned.token, life.tokenGeneration) + 1;
  const device = Math.max(burned.device, life.deviceGeneration) + (evict || rekeys ? 1 : 0);
  state.burned = { token, device };
  const nextDeviceGeneration = evict || rekeys ? device : life.deviceGeneration;
  const approved = state.approved ?? [];
  const next = { nextTokenGeneration: token, nextDeviceGeneration, ...(rekeys && { nextKeyId: keyId }) };
  return { kind: 'rotate', ...next, reclaim, evict, approved };
}

/**
 * The new generations are those on record, and somebody has to hand the new token over. Where creel's device is another one,
 * whoever was put out is known to the previous state, which is let go.
 */
export function applyRotation(state: GatewayState, life: Gateway, change: Rotation, now: number): void {
  state.life = rotated({ ...life, change });
  state.handOver = { generation: change.nextTokenGeneration, since: now };
  if (change.evict) state.approved = [];
  const kept = state.kept;
  if (kept && change.nextDeviceGeneration !== life.deviceGeneration) state.kept = { ...kept, until: now };
}

/** Somebody has the token of this generation: a later one still waits. */
export function endHandOver(state: GatewayState, generation: number): void {
  if (state.handOver && state.handOver.generation <= generation) delete state.handOver;
}

/** A life whose record was lost may have burned generations that nobody remembers. */
export function burnForgotten(state: GatewayState, tokenGeneration: number): void {
  const device = state.burned?.device ?? state.life?.deviceGeneration ?? 1;
  state.burned = { token: tokenGeneration + lostGenerations, device };
}
