import http from 'node:http';
import path from 'node:path';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { addressCalls } from './addresses.js';
import { LightsailError } from './answer.js';
import { usdOf } from './bill.js';
import type { MachineBody } from './body.js';
import type { Handler, Paces } from './call.js';
import { DirectoryBody } from './directory-body.js';
import { Faults, type Fault } from './faults.js';
import { advance } from './lifecycle.js';
import { machineCalls } from './machines.js';
import { keyCalls, offerCalls, operationCalls, portCalls, snapshotCalls, tagCalls } from './other-calls.js';
import { State, type Account, type Billed } from './state.js';

const calls: Readonly<Record<string, Handler>> = {
  ...machineCalls,
  ...addressCalls,
  ...keyCalls,
  ...snapshotCalls,
  ...portCalls,
  ...operationCalls,
  ...offerCalls,
  ...tagCalls,
};

const quick: Paces = { pendingMs: 30, addressMs: 30, unseenMs: 0, stopMs: 20, deleteMs: 30, lingerMs: 0 };

const ever = 86_400_000;

/** What the stand-in was asked. */
export type Asked = { readonly call: string; readonly region: string; readonly input: unknown };

/** A line of the bill, and what it has come to. */
export type BillLine = Billed & { readonly usd: number };

type Setting = {
  readonly directory: string;
  /** What stands behind a machine; a directory beside the state when absent. */
  readonly body?: MachineBody;
  readonly paces?: Partial<Paces>;
};

/**
 * AWS Lightsail on loopback: the real SDK talks to it in Lightsail's own protocol. It keeps one account in a directory,
 * and whoever opens that again finds everything as it was. It has what makes the real one hard: one namespace a region,
 * machines that come late and their addresses later, quotas, and a bill. It is no test of a signature, and holds none of
 * Lightsail's words that creel does not ask for.
 */
export class LightsailStandIn {
  readonly faults = new Faults();
  readonly asked: Asked[] = [];
  readonly body: MachineBody;
  paces: Paces;
  readonly #state: State;
  readonly #server = http.createServer((request, response) => void this.#take(request, response));
  #turn: Promise<unknown> = Promise.resolve();

  private constructor({ directory, body, paces }: Setting) {
    this.#state = new State(directory);
    this.body = body ?? new DirectoryBody(path.join(directory, 'machines'));
    this.paces = { ...quick, ...paces };
  }

  static async open(setting: Setting): Promise<LightsailStandIn> {
    const standIn = new LightsailStandIn(setting);
    await new Promise<void>((resolve) => standIn.#server.listen(0, '127.0.0.1', resolve));
    return standIn;
  }

  /** What a program has set so that the AWS SDK asks this one, by credentials that are somebody's. */
  get environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL_LIGHTSAIL: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`,
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'example-secret',
      AWS_EC2_METADATA_DISABLED: 'true',
    };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.#turn;
  }

  /** What is begun from now on takes so long that nobody sees its end, until it is let go. */
  holdUp(): void {
    this.paces = { pendingMs: ever, addressMs: ever, unseenMs: 0, stopMs: ever, deleteMs: ever, lingerMs: 0 };
  }

  /** What is under way comes to its end now, and nothing takes long any more. */
  letGo(): Promise<void> {
    this.paces = quick;
    const now = Date.now();
    const over = (at: number) => Math.min(at, now);
    return this.#change(() => {
      for (const machine of this.#state.regions.flatMap((region) => region.all('Instance'))) {
        if (machine.until !== undefined) machine.until = over(machine.until);
        machine.seenFrom = over(machine.seenFrom);
        if (machine.phase === 'running') machine.addressFrom = over(machine.addressFrom);
      }
    });
  }

  /** What the account may have: quotas, the largest size, and whether it is set up. */
  allow(account: Partial<Account>): Promise<void> {
    return this.#change(() => void Object.assign(this.#state.content.account, account));
  }

  /** Something of another kind takes a name. */
  occupy(region: string, kind: 'Disk' | 'LoadBalancer', name: string): Promise<void> {
    return this.#change(() => {
      const there = this.#state.region(region);
      there.put({ ...there.base(kind, name), kind });
    });
  }

  /** Lets that name go. */
  vacate(region: string, name: string): Promise<void> {
    return this.#change(() => this.#state.region(region).drop(name));
  }

  /** A machine that was ordered will not come to be. */
  fail(region: string, name: string, why: string): Promise<void> {
    return this.#change(() => void (this.#state.region(region).get('Instance', name).failure = why));
  }

  /** The number of the body behind a machine. */
  bodyOf(region: string, name: string): string {
    return this.#state.region(region).get('Instance', name).id;
  }

  /** All that was and is paid for. */
  async bill(): Promise<BillLine[]> {
    await this.#change(() => undefined);
    return this.#state.content.bill.map((line) => ({ ...line, usd: usdOf(line) }));
  }

  /** What costs now. */
  async costing(): Promise<BillLine[]> {
    return (await this.bill()).filter(({ until }) => until === undefined);
  }

  async #take(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const call = String(request.headers['x-amz-target'] ?? '').replace(/^Lightsail_20161128\./, '');
    const signed = /Credential=[^/]+\/\d{8}\/([a-z0-9-]+)\/lightsail\//.exec(request.headers.authorization ?? '');
    const text = await readText(request).catch(() => undefined);
    if (text === undefined) return;
    const fault = this.faults.take(call);
    const laterMs = fault?.kind === 'slow' ? fault.ms : 0;
    const answer = turnedAway(fault) ?? (await this.#answer(call, signed?.[1], text, laterMs));
    if (fault?.kind === 'lost') return void request.socket.destroy();
    send(response, fault?.kind === 'html after' ? page : answer);
  }

  async #answer(call: string, region: string | undefined, text: string, laterMs: number): Promise<Answer> {
    try {
      if (region === undefined) throw new LightsailError('MissingAuthenticationTokenException', 'No signature', 403);
      const handle = calls[call];
      if (!handle) throw new LightsailError('UnknownOperationException', `No operation ${call}`);
      const input: unknown = JSON.parse(text === '' ? '{}' : text);
      this.asked.push({ call, region, input });
      await sleep(laterMs);
      if (this.#state.content.account.setup === 'in progress')
        throw new LightsailError('AccountSetupInProgressException', 'Your account is still being set up.');
      const { body, paces } = this;
      const own = this.#state.region(region);
      return { status: 200, body: await this.#change(() => handle({ region: own, input, body, paces })) };
    } catch (error) {
      return errorAnswer(error);
    }
  }

  /** One after the other; what is answered is on disk. */
  async #change<T>(act: () => T | Promise<T>): Promise<T> {
    const mine = this.#turn.then(async () => {
      for (const region of this.#state.regions) await advance(region, this.body, this.paces);
      const result = await act();
      this.#state.save();
      return result;
    });
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

type Answer = { readonly status: number; readonly body: unknown } | { readonly status: number; readonly html: string };

const page: Answer = { status: 502, html: '<html><head><title>502 Bad Gateway</title></head></html>' };

/** The answer to a call that is not carried out; undefined for one that is. */
function turnedAway(fault: Fault | undefined): Answer | undefined {
  switch (fault?.kind) {
    case 'throttled':
      return errorAnswer(new LightsailError('ThrottlingException', 'Rate exceeded'));
    case 'broken':
      return errorAnswer(new LightsailError('ServiceException', 'An internal error occurred', 500));
    case 'refused':
      return errorAnswer(new LightsailError(fault.type, fault.message));
    case 'html':
      return page;
    case 'lost':
    case 'slow':
    case 'html after':
    case undefined:
      return undefined;
  }
}

function errorAnswer(error: unknown): Answer {
  if (error instanceof LightsailError)
    return { status: error.status, body: { __type: error.type, message: error.message, code: error.type } };
  return { status: 500, body: { __type: 'ServiceException', message: String(error) } };
}

function send(response: http.ServerResponse, answer: Answer): void {
  if ('html' in answer) {
    response.writeHead(answer.status, { 'content-type': 'text/html' }).end(answer.html);
    return;
  }
  response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer.body));
}

async function readText(request: http.IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
