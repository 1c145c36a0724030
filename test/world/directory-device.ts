import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { deviceFrom } from '../../src/domain/keys/token.js';
import { DirectoryGateway, type Held, type Wish } from './directory-gateway.js';

/** What a connection of a device came to. */
type Came = 'in' | 'asks' | 'wrong token' | 'locked out';

/** Somebody's device: it knocks at a gateway of a directory world as an app does, with a token that a person gave it. */
export class DirectoryDevice {
  readonly id: string;
  readonly #root: string;
  readonly #wish: Wish;
  #over = false;

  constructor(root: string, wish: Partial<Wish> = {}) {
    const { id, publicKey } = deviceFrom(randomBytes(32));
    this.id = id;
    this.#root = root;
    this.#wish = { deviceId: id, publicKey, scopes: ['operator.read', 'operator.write'], ...wish };
  }

  /** Knocks once, at the gateway in a container. */
  knock(container: string, token?: string, scopes = this.#wish.scopes): Came {
    const gateway = DirectoryGateway.within(this.#root, container);
    const verdict = gateway.judge(token ?? gateway.token, this.#wish.clientId);
    if (verdict === 'locked out') return 'locked out';
    if (verdict === 'wrong') return 'wrong token';
    return gateway.admit({ ...this.#wish, scopes }) ? 'asks' : 'in';
  }

  /** Asks for one role after the other, again and again, as a phone does, until it is told to stop. */
  async keepAsking(container: string, wishes: readonly (readonly [role: string, scopes: string[]])[]): Promise<void> {
    for (let turn = 0; !this.#over; turn += 1) {
      const [role, scopes] = wishes[turn % wishes.length] ?? ['operator', []];
      DirectoryGateway.within(this.#root, container).admit({ ...this.#wish, role, roles: [role], scopes });
      await sleep(50);
    }
  }

  /** Asks, and is approved as by somebody inside. */
  pair(container: string): void {
    if (this.knock(container) !== 'asks') throw new Error(`device ${this.id} does not ask`);
    const gateway = DirectoryGateway.within(this.#root, container);
    gateway.approve(gateway.pending().find(({ deviceId }) => deviceId === this.id)?.requestId ?? '');
  }

  /** Stays in once it is paired, with its own token or with the shared one. */
  stay(container: string, byDevice = true): Held {
    if (this.knock(container) !== 'in') throw new Error(`device ${this.id} was not let in`);
    return DirectoryGateway.within(this.#root, container).hold(this.id, byDevice);
  }

  /** Knocks again and again, as apps do, until it is let in or told to stop. A gateway that does not run is tried again. */
  async keepKnocking(container: string, scopes?: string[]): Promise<void> {
    while (!this.#over) {
      try {
        if (this.knock(container, undefined, scopes) === 'in') return;
      } catch {
        // An app does not mind why it was not let in.
      }
      await sleep(50);
    }
  }

  stop(): void {
    this.#over = true;
  }
}
