import { readSize, usedCommand } from '../../domain/gateway/state-size.js';
import { usedStateMs } from '../../domain/thresholds.js';
import type { DockerEngine } from '../../ports/docker-engine.js';

/**
 * The bytes that the state of a running gateway takes of its host's disk, counted inside it as its own user: that
 * leaves nothing running and holds up no copy. Undefined where it takes too long.
 */
export async function findStateUse(engine: DockerEngine, containerId: string): Promise<number | undefined> {
  const request = { command: usedCommand(), input: '', timeoutMs: 2 * usedStateMs };
  return readSize((await engine.exec(containerId, request)).stdout)?.bytes;
}
