import type { Activities } from '../activities/activities.js';
import { openSession } from '../activities/parts/door/operator.js';
import type { Changing } from '../domain/gateway/changing.js';
import type { Gateway } from '../domain/gateway/gateway.js';
import { rotated, type Rotation } from '../domain/changes/rotation.js';
import type { Deps } from '../world/deps.js';

/**
 * Why a rotation has to restart a gateway of this release; undefined where it has taken another token while it ran, by
 * the steps of a rotation: the session on the old token closed, the new one let creel's device in, the old one did not,
 * and it was the same boot all along. A step that fails, once, is a reason. What a release says of it is not asked:
 * 2026.9.6 says that it restarts for a token, and does not. The catalogue of the `deps` says that it takes tokens so.
 */
export async function whyRestarted(deps: Deps, activities: Activities, gateway: Gateway): Promise<string | undefined> {
  const change: Rotation = {
    kind: 'rotate',
    nextTokenGeneration: gateway.tokenGeneration + 1,
    nextDeviceGeneration: gateway.deviceGeneration,
    reclaim: false,
    evict: false,
    approved: [],
  };
  try {
    const before = await bootOf(deps, gateway);
    if (before === '') return 'it does not tell one boot from another';
    await rotate(activities, { ...gateway, change });
    const after = await bootOf(deps, rotated({ ...gateway, change }));
    return after === before ? undefined : 'it began anew for it';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function rotate(activities: Activities, rotating: Changing<Rotation>): Promise<void> {
  await activities.probeRotatable(rotating);
  await activities.ensureToken(rotating);
  await activities.probeToken(rotating);
  await activities.probeRefusal(rotating);
}

async function bootOf(deps: Deps, gateway: Gateway): Promise<string> {
  const session = await openSession(deps, gateway);
  session.close();
  return session.hello.bootId;
}
