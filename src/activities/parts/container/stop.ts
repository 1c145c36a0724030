import type { Container, DockerEngine } from '../../../ports/docker-engine.js';
import { say } from '../../../world/sentence.js';

/** How often whoever follows is told how long a container has been ending. */
const sayMs = 1_000;

/** Asks a container to end, says so while it does, and comes back when it has; the engine kills one that takes longer than `graceS`. */
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
