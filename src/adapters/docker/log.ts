import type { LogLine } from '../../domain/gateway/log.js';
import type { LogWish } from '../../ports/docker-engine.js';
import { request, whereIs, type EngineAt } from './call.js';
import { callMs, type Ask } from './ask.js';
import { answerOf, kindOf, unexpected } from './errors.js';
import { containerForm, read } from './forms.js';
import { LogFrames } from './log-frames.js';

/**
 * Opens the log of a container as a source that is read as fast as it is taken: what nobody takes stays with the engine,
 * behind a full socket. The call that opens it has a limit; the source itself lasts until it is over or the signal fires,
 * and keeps no process alive.
 */
export async function openLog(
  at: EngineAt,
  ask: Ask,
  id: string,
  wish: LogWish,
  over: AbortSignal,
): Promise<AsyncIterable<readonly LogLine[]>> {
  const what = `read the log of container ${id.slice(0, 12)}`;
  const found = await ask(what, (docker) => docker.getContainer(id).inspect());
  const frames = new LogFrames(what, read(containerForm, found, what).Config.Tty);
  const options = { follow: true, _query: queryOf(wish) } as const; // Without `follow` dockerode holds all in memory.
  const stream = await begun(at, what, (docker) => docker.getContainer(id).logs(options));
  if ('socket' in stream && isSocket(stream.socket)) stream.socket.unref();
  const quit = () => 'destroy' in stream && typeof stream.destroy === 'function' && stream.destroy();
  if (over.aborted) quit();
  over.addEventListener('abort', quit, { once: true });
  return lines(stream, frames, (error) => (over.aborted ? undefined : kindOf(error, what, whereIs(at))));
}

async function begun<T>(at: EngineAt, what: string, run: Parameters<typeof request<T>>[2]): Promise<T> {
  try {
    return await request(at, { what, limitMs: callMs }, run);
  } catch (error) {
    throw answerOf(error) ? unexpected(error, what) : error;
  }
}

async function* lines(
  stream: AsyncIterable<unknown>,
  frames: LogFrames,
  judge: (error: unknown) => unknown,
): AsyncGenerator<readonly LogLine[]> {
  try {
    for await (const chunk of stream) if (Buffer.isBuffer(chunk)) yield frames.take(chunk);
    yield frames.end();
  } catch (error) {
    const judged = judge(error);
    if (judged !== undefined) throw judged;
  }
}

/** In the words of the engine's API: a moment is seconds and nanoseconds. */
function queryOf({ tail, since, follow }: LogWish): Record<string, string> {
  return {
    stdout: '1',
    stderr: '1',
    timestamps: '1',
    follow: follow ? '1' : '0',
    tail: tail === undefined ? 'all' : String(tail),
    ...(since !== undefined && { since: momentOf(since) }),
  };
}

function momentOf(since: string): string {
  const [, seconds = since, fraction = '', zone = ''] = /^([^.]*)\.?(\d*)(Z|[+-]\d\d:\d\d)$/.exec(since) ?? [];
  return `${Math.floor(Date.parse(`${seconds}${zone}`) / 1000)}.${fraction.padEnd(9, '0').slice(0, 9)}`;
}

function isSocket(socket: unknown): socket is { unref: () => void } {
  return typeof socket === 'object' && socket !== null && 'unref' in socket && typeof socket.unref === 'function';
}
