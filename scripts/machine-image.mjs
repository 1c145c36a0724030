/** Makes the image of a machine that is a container, for the stand-in of Lightsail, unless the engine has it; says its tag. */
import { machineTag, makeMachine } from './machine/container-machine.mjs';
import { makeDirs } from './machine/dirs.mjs';
import { findEngine } from './machine/find-engine.mjs';
import { Problem, say } from './machine/say.mjs';

async function main() {
  makeDirs();
  const { engine, about, refused = ['no Docker engine answers: scripts/bootstrap gets one'] } = await findEngine();
  if (!engine) throw new Problem(refused.join('\n'));
  await makeMachine(engine, about.arch);
  process.stdout.write(`${machineTag}\n`);
}

main().catch((error) => {
  for (const line of (error instanceof Problem ? error.message : error.stack).split('\n')) say(`machine: ${line}`);
  process.exitCode = 1;
});
