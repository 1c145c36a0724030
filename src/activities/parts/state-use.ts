import { readSize, usedCommand } from '../../domain/gateway/state-size.js';
import { usedStateMs } from '../../domain/thresholds.js';
import type { DockerEngine } from '../../ports/docker-engine.js';
import type { Deps } from '../../world/deps.js';

/**
 * The bytes that the state of a running gateway takes of its host's disk, counted inside it as its own user: that
 * leaves nothing running and holds up no copy. Undefined where it takes too long.
 */
export async function findStateUse(engine: DockerEngine, containerId: string): Promise<number | undefined> {
  const request = { command: usedCommand(), input: '', timeoutMs: 2 * usedStateMs };
  return readSize((await engine.exec(containerId, request)).stdout)?.bytes;
}

/** The same by the container's name; undefined too where it does not run, or its engine does not say. */
export async function runningStateUse(deps: Deps, engine: DockerEngine, name: string): Promise<number | undefined> {
  try {
    const container = await engine.findContainer(name);
    return container?.state === 'running' ? await findStateUse(engine, container.id) : undefined;
  } catch (error) {
    if (deps.signal()?.aborted) throw error;
    return undefined; // It is a state that could not be counted; what is wrong with the engine is said elsewhere.
  }
}
