import type { Changing } from '../gateway/changing.js';
import type { Gateway } from '../gateway/gateway.js';

/** A rotation: the generations that follow those on record. Their numbers are used up before the operation begins. */
export type Rotation = {
  readonly kind: 'rotate';
  readonly nextTokenGeneration: number;
  /** The one on record, unless creel's own device is replaced, too. */
  readonly nextDeviceGeneration: number;
  /** The master key they are derived from; the one on record when absent. */
  readonly nextKeyId?: string;
  readonly reclaim: boolean;
  readonly evict: boolean;
  /** Devices that creel itself approved. */
  readonly approved: readonly string[];
};

/** The gateway as it is after the rotation. */
export function rotated(gateway: Changing<Rotation>): Gateway {
  const { change, ...before } = gateway;
  const { nextTokenGeneration: tokenGeneration, nextDeviceGeneration: deviceGeneration, nextKeyId } = change;
  return { ...before, tokenGeneration, deviceGeneration, ...(nextKeyId !== undefined && { keyId: nextKeyId }) };
}
