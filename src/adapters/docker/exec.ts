import type Dockerode from 'dockerode';
import { NotYet } from '../../domain/errors.js';
import { execOutputBytes } from '../../domain/thresholds.js';
import type { ExecRequest, ExecResult } from '../../ports/docker-engine.js';
import { readAll, request, type EngineAt } from './call.js';
import { answerOf, isContainerGone, unexpected } from './errors.js';
import { Demultiplexer } from './stream.js';

/** How long an engine may take, after a command's output has ended, to record that the command ended. */
const settleMs = 2_000;
const askAgainMs = 25;

/**
 * Runs a command in a container to its end: writes its input and closes it, reads at most `execOutputBytes` of output.
 * The end of the output proves nothing (a lost connection looks the same), so the engine is asked for the exit code.
 */
export async function runExec(
  at: EngineAt,
  id: string,
  { command, input, timeoutMs }: ExecRequest,
): Promise<ExecResult> {
  const what = `run ${command[0]} in container ${id}`;
  const end = Date.now() + timeoutMs;
  const errand = () => ({ what, limitMs: Math.max(1, end - Date.now()) });
  try {
    const exec = await request(at, errand(), (docker) => docker.getContainer(id).exec(options(command)));
    const stream = await request(at, errand(), (docker) =>
      docker.getExec(exec.id).start({ hijack: true, stdin: true }),
    );
    const output = new Demultiplexer(what, execOutputBytes);
    stream.end(input);
    await readAll(at, errand(), stream, (chunk) => output.take(chunk));
    const exitCode = await exitCodeOf(at, exec.id, what, Math.min(settleMs, end - Date.now()));
    return { exitCode, ...output.output() };
  } catch (error) {
    throw execError(error, what);
  }
}

function options(command: readonly string[]): Dockerode.ExecCreateOptions {
  return { Cmd: [...command], AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: false };
}

async function exitCodeOf(at: EngineAt, exec: string, what: string, limitMs: number): Promise<number> {
  const end = Date.now() + limitMs;
  do {
    const found = await request(at, { what, limitMs: settleMs }, (docker) => docker.getExec(exec).inspect());
    if (!found.Running && found.ExitCode !== null) return found.ExitCode;
    await new Promise((resolve) => setTimeout(resolve, askAgainMs));
  } while (Date.now() < end);
  throw new Error(`docker engine, ${what}: the output ended before the command did`);
}

function execError(error: unknown, what: string): unknown {
  const answer = answerOf(error);
  const isDown = answer && (answer.status === 409 || isContainerGone(answer) || /not running/i.test(answer.text));
  return isDown ? new NotYet(`docker engine, ${what}: ${answer.text}`, { cause: error }) : unexpected(error, what);
}
