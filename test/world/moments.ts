import { AsyncLocalStorage } from 'node:async_hooks';

/** What surrounds one attempt of an activity in virtual time: its cancellation, and whoever may want to act after each call of a port. */
export type Attempt = { readonly signal: AbortSignal; readonly moment: (call: string) => void };

const current = new AsyncLocalStorage<Attempt>();

/** Runs one attempt of an activity, whose calls of ports are moments at which something may happen to it. */
export function attempting<T>(attempt: Attempt, run: () => Promise<T>): Promise<T> {
  return current.run(attempt, run);
}

/** The cancellation of the attempt that is running, if it is one in virtual time. */
export function attemptSignal(): AbortSignal | undefined {
  return current.getStore()?.signal;
}

/** A moment of the attempt that is running, after a call of a port or a piece of a copy: whoever was cancelled at it, or before, goes no further. */
export function passMoment(call: string): void {
  const attempt = current.getStore();
  if (!attempt) return;
  attempt.moment(call);
  attempt.signal.throwIfAborted();
}

/** The same port, with a moment after each of its calls: the call took effect, and nobody heard of it when the attempt was cancelled at that moment. */
export function momentous<T extends object>(port: T): T {
  return new Proxy(port, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        if (!current.getStore() || name === 'close') return Reflect.apply(member, target, args);
        return pass(callName(String(name), args), () => Reflect.apply(member, target, args));
      };
    },
  });
}

/** What is called: of a gateway's own calls the method, and of a visit inside whether anything is asked there. */
function callName(name: string, [first, second]: readonly unknown[]): string {
  if (name === 'call' && typeof first === 'string') return first;
  return name === 'callInside' && Array.isArray(second) && second.length === 0 ? 'lookInside' : name;
}

async function pass(name: string, call: () => unknown): Promise<unknown> {
  attemptSignal()?.throwIfAborted();
  const answer = await call();
  passMoment(name);
  return withSession(answer);
}

function withSession(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null || !('session' in answer)) return answer;
  const { session } = answer;
  return typeof session === 'object' && session !== null ? { ...answer, session: momentous(session) } : answer;
}
