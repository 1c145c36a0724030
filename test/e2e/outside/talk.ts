import { z } from 'zod';
import { localDial } from '../../../src/adapters/hosts/local-dial.js';
import { OpenclawDoor } from '../../../src/adapters/openclaw/door.js';
import { awaitTurn, beginTurn } from '../../../src/activities/parts/door/control.js';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import { gatewayToken, masterKey, operatorDevice } from '../../../src/domain/keys/token.js';
import type { Session } from '../../../src/ports/gateway-door.js';
import { testKey, type RealGround } from '../../ground/real-ground.js';
import { repeating } from './stand-in.js';

const answerMs = 120_000;
const said = z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]);
const history = z.looseObject({ messages: z.array(z.looseObject({ role: z.string(), content: said.optional() })) });

/** Somebody who is in at a gateway, from outside, and talks to its model. */
export class Talk {
  readonly #session: Session;
  #closed: number | undefined;

  private constructor(session: Session) {
    this.#session = session;
    void session.closed.then((code) => (this.#closed = code));
  }

  /** Comes in as creel's own device, which may say anything. */
  static async open(ground: RealGround, gateway: Gateway, port: number): Promise<Talk> {
    const key = masterKey(testKey);
    const token = gatewayToken(key, gateway.mark, gateway.tokenGeneration);
    const device = operatorDevice(key, gateway.mark, gateway.deviceGeneration);
    const door = new OpenclawDoor({ engineAt: () => ground.engine, dial: localDial, signal: () => undefined });
    const knock = await door.knock({ place: gateway.place, port }, { token, device, scopes: ['operator.admin'] });
    if (knock.kind !== 'open') throw new Error(`nobody is let in: ${knock.kind}`);
    return new Talk(knock.session);
  }

  /** The code with which the gateway has closed the session; undefined while it is open. */
  get closed(): number | undefined {
    return this.#closed;
  }

  /** Says something in a conversation; the run that is to answer it. */
  begin(text: string, conversation = 'talk'): Promise<string> {
    return beginTurn(this.#session, conversation, text);
  }

  /** Waits for the end of a run, and answers the last words of the model in that conversation. */
  async answer(run: string, conversation = 'talk'): Promise<string> {
    await this.#end(run);
    const { messages } = history.parse(
      await this.#session.call('chat.history', { sessionKey: conversation, limit: 20 }),
    );
    const last = messages.findLast(({ role }) => role === 'assistant')?.content ?? '';
    return typeof last === 'string' ? last : last.map(({ text }) => text ?? '').join('');
  }

  /** Says something and is answered by a model that repeats it. */
  async isAnswered(text: string): Promise<void> {
    const answer = await this.answer(await this.begin(text));
    if (!answer.includes(repeating(text))) throw new Error(`${text} is answered with ${answer}`);
  }

  close(): void {
    this.#session.close();
  }

  async #end(run: string): Promise<void> {
    const deadline = Date.now() + answerMs;
    for (;;) {
      const ended = await awaitTurn(this.#session, run); // Waits for a slice of time.
      if (ended?.answered) return;
      if (ended) throw new Error(`nobody is answered: ${ended.said}`);
      if (Date.now() > deadline) throw new Error(`nobody was answered within ${answerMs} ms`);
    }
  }
}
