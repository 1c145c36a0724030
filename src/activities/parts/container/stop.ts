import type { Container, DockerEngine } from '../../../ports/docker-engine.js';
import { say } from '../../../world/sentence.js';

/** How often the follower is told for how long a container has been stopping. */
const sayMs = 1_000;

/** Stops a container, says so meanwhile, and returns when it has ended; the engine kills it after `graceS` seconds. */
export async function stopSaying(
  engine: Pick<DockerEngine, 'stopContainer'>,
  { id, name }: Pick<Container, 'id' | 'name'>,
  graceS: number,
): Promise<void> {
  const began = Date.now();
  const tell = () => {
    const seconds = Math.round((Date.now() - began) / 1000);
    say(`container ${name} was asked to end ${seconds} s ago; it is killed after ${graceS} s`);
  };
  tell();
  const timer = setInterval(tell, sayMs);
  try {
    await engine.stopContainer(id, graceS);
  } finally {
    clearInterval(timer);
    say('');
  }
}
