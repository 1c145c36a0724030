import type { Sender, SenderBook } from '../../../domain/channels/paired-senders.js';
import type { Endpoint } from '../../../domain/models/endpoint.js';
import { masked, plain, plainAnswer } from '../../../domain/heard.js';
import { nameCharacters, senderCharacters } from '../../../domain/thresholds.js';
import type { Secret } from '../../../domain/secret.js';
import type {
  Address,
  Answer,
  Call,
  Credentials,
  GatewayDoor,
  Inside,
  InsideKnock,
  Knock,
  Pulse,
  SenderDeed,
  Session,
} from '../../../ports/gateway-door.js';
import { handedOnRaw } from './control.js';

/**
 * The door as every activity gets it: whatever a gateway says through it is made plain, and rid of the token it was
 * asked with.
 */
export class PlainDoor implements GatewayDoor {
  readonly #door: GatewayDoor;

  constructor(door: GatewayDoor) {
    this.#door = door;
  }

  probeStartup(at: Address): Promise<void> {
    return plainly(() => this.#door.probeStartup(at), []);
  }

  findPulse(at: Address): Promise<Pulse> {
    return this.#door.findPulse(at);
  }

  async knock(at: Address, as: Credentials): Promise<Knock> {
    const knock = await plainly(() => this.#door.knock(at, as), [as.token]);
    return knock.kind === 'open'
      ? { kind: 'open', session: new PlainSession(knock.session, [as.token]) }
      : plainKnock(knock, [as.token]);
  }

  async callInside(at: Inside, calls: readonly Call[]): Promise<InsideKnock> {
    const secrets = [at.token];
    const knock = await plainly(() => this.#door.callInside(at, calls), secrets);
    if (knock.kind !== 'open') return plainKnock(knock, secrets);
    const answers = knock.answers.map((answer, index) => plainAnswerOf(calls[index]?.method, answer, secrets));
    return { kind: 'open', hello: plainHello(knock.hello), answers };
  }

  async visitSenders(at: Inside, channels: readonly string[], deed: SenderDeed): Promise<SenderBook> {
    const secrets = [at.token];
    const book = await plainly(() => this.#door.visitSenders(at, channels, deed), secrets);
    const waiting = book.waiting.map((each) => ({
      ...each,
      ...plainSender(each),
      name: masked(plain(each.name, nameCharacters), secrets),
      code: plain(each.code, senderCharacters),
    }));
    return { now: book.now, waiting, admitted: book.admitted.map(plainSender) };
  }

  mintLink(inside: Inside, at: Address): Promise<{ readonly url: Secret; readonly expiresAt: string }> {
    return plainly(() => this.#door.mintLink(inside, at), [inside.token]);
  }

  async probeEgress(inside: Inside): Promise<string> {
    return masked(plain(await this.#door.probeEgress(inside)), [inside.token]);
  }

  async findObstacle(inside: Inside, to: Endpoint): Promise<string | undefined> {
    const obstacle = await plainly(() => this.#door.findObstacle(inside, to), [inside.token]);
    return obstacle === undefined ? undefined : masked(plain(obstacle), [inside.token]);
  }
}

class PlainSession implements Session {
  readonly hello: Session['hello'];
  readonly closed: Promise<number>;
  readonly #session: Session;
  readonly #secrets: readonly Secret[];

  constructor(session: Session, secrets: readonly Secret[]) {
    this.#session = session;
    this.#secrets = secrets;
    this.hello = plainHello(session.hello);
    this.closed = session.closed;
  }

  async call(method: string, params: unknown): Promise<unknown> {
    const answer = await plainly(() => this.#session.call(method, params), this.#secrets);
    return handOn(method, answer, this.#secrets);
  }

  close(): void {
    this.#session.close();
  }
}

function plainSender({ channel, account, id }: Sender): Sender {
  const said = (text: string) => plain(text, senderCharacters);
  return { channel: said(channel), account: said(account), id: said(id) };
}

function handOn(method = '', answer: unknown, secrets: readonly Secret[]): unknown {
  return handedOnRaw.includes(method) ? answer : plainAnswer(answer, secrets);
}

function plainAnswerOf(method: string | undefined, answer: Answer, secrets: readonly Secret[]): Answer {
  if (answer.ok) return { ok: true, payload: handOn(method, answer.payload, secrets) };
  return { ok: false, code: plain(answer.code), message: masked(plain(answer.message), secrets) };
}

function plainHello(hello: Session['hello']): Session['hello'] {
  const { version, scopes, bootId } = hello;
  return { ...hello, version: plain(version), scopes: scopes.map((scope) => plain(scope)), bootId: plain(bootId) };
}

function plainKnock<K extends Exclude<Knock, { kind: 'open' }>>(knock: K, secrets: readonly Secret[]): K {
  if (knock.kind === 'pairing required')
    return { ...knock, requestId: plain(knock.requestId), reason: masked(plain(knock.reason), secrets) };
  if (knock.kind === 'turned away')
    return { ...knock, code: plain(knock.code), reason: masked(plain(knock.reason), secrets) };
  return knock;
}

/** An error may quote what was heard: its sentence is made plain, its kind stays. */
async function plainly<T>(ask: () => Promise<T>, secrets: readonly Secret[]): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    for (let each = error; each instanceof Error; each = each.cause) makePlain(each, secrets);
    throw error;
  }
}

function makePlain(error: Error, secrets: readonly Secret[]): void {
  const message = masked(plain(error.message), secrets);
  if (message === error.message) return;
  error.message = message;
  error.stack = '';
}
