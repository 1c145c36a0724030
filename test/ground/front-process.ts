import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import getPort from 'get-port';
import { Webhook } from 'standardwebhooks';
import { Stripe } from 'stripe';
import { testRelease } from '../world/open-test-world.js';
import type { Keyboard } from './keyboard.js';
import { patienceMs } from './patience.js';

const stripeSecret = 'whsec_of_this_endpoint';
/** With which a billing system of one's own signs. */
export const ownSecret = `whsec_${Buffer.from('a secret of our own billing system').toString('base64')}`;

/** `creel serve` as a process of its own, on a port of its own, which can be killed and begun again. */
export class FrontProcess {
  readonly #keyboard: Keyboard;
  readonly port: number;
  #process: ChildProcess | undefined;
  /** Everything that it ever wrote. */
  said = '';

  private constructor(keyboard: Keyboard, port: number) {
    this.#keyboard = keyboard;
    this.port = port;
  }

  /** With a small plan, which is the default or not, and a large one. */
  static async open(keyboard: Keyboard, usual = true): Promise<FrontProcess> {
    const { root } = keyboard.ground;
    const spec = `release = "${testRelease}"\ndev = true\nfence = "off"\nkeep_state = "0s"\n`;
    fs.writeFileSync(path.join(root, 'small.toml'), spec);
    fs.writeFileSync(path.join(root, 'large.toml'), `${spec}memory = "3 GB"\n`);
    const front = new FrontProcess(keyboard, await getPort());
    front.#sells(['price_small'], usual);
    await front.begin();
    return front;
  }

  /** From its next beginning on: the small plan by these prices. */
  sells(...prices: readonly string[]): void {
    this.#sells(prices, true);
  }

  #sells(prices: readonly string[], usual: boolean): void {
    const terms = 'suspend_after = "3 seconds"\nremove_after = "3 seconds"';
    const small = `[[plan]]\nname = "small"\nprices = ${JSON.stringify(prices)}\ndefault = ${usual}\nspec = "small.toml"\n${terms}`;
    const large = `[[plan]]\nname = "large"\nprices = ["price_large"]\nspec = "large.toml"\n${terms}`;
    fs.writeFileSync(path.join(this.#keyboard.ground.root, 'plans.toml'), `${small}\n${large}\n`);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Begins it, and waits until it hears. */
  async begin(): Promise<void> {
    const env = {
      ...this.#keyboard.environment,
      CREEL_PLANS: path.join(this.#keyboard.ground.root, 'plans.toml'),
      CREEL_SERVE_AT: `127.0.0.1:${this.port}`,
      CREEL_STRIPE_SECRETS: `whsec_of_before,${stripeSecret}`,
      CREEL_BILLING_SECRETS: ownSecret,
    };
    const begun = spawn(process.execPath, ['bin/creel.mjs', 'serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = begun;
    for (const stream of [begun.stdout, begun.stderr])
      stream.on('data', (piece: Buffer) => {
        this.said += piece.toString('utf8');
      });
    const until = Date.now() + patienceMs;
    while ((await this.is('/healthz')) !== 200) {
      if (begun.exitCode !== null || Date.now() > until) throw new Error(`it does not serve: ${this.said}`);
      await after(100);
    }
  }

  /** Ends it; the code with which it ended, where it ended by itself. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const running = this.#process;
    if (!running) return null;
    if (running.exitCode === null && running.signalCode === null) {
      running.kill(signal);
      await once(running, 'exit');
    }
    return running.exitCode;
  }

  /** The status with which it answers; 0 without an answer. */
  async is(route: string): Promise<number> {
    return fetch(`${this.url}${route}`).then(
      ({ status }) => status,
      () => 0,
    );
  }

  /** An event as Stripe sends it, signed. */
  async stripe(event: object, secret = stripeSecret, extra: RequestInit = {}): Promise<Response> {
    const body = JSON.stringify(event);
    const headers = { 'stripe-signature': Stripe.webhooks.generateTestHeaderString({ payload: body, secret }) };
    return fetch(`${this.url}/stripe`, { method: 'POST', body, headers, ...extra });
  }

  /** The header of one that was signed so many seconds ago. */
  signedBefore(event: object, seconds: number): Record<string, string> {
    const timestamp = Math.floor(Date.now() / 1000) - seconds;
    const payload = JSON.stringify(event);
    return {
      'stripe-signature': Stripe.webhooks.generateTestHeaderString({ payload, secret: stripeSecret, timestamp }),
    };
  }

  /** A notice as any other billing system sends it, signed. */
  async own(id: string, notice: object, secret = ownSecret): Promise<Response> {
    const body = JSON.stringify(notice);
    const now = new Date();
    return fetch(`${this.url}/billing`, {
      method: 'POST',
      body,
      headers: {
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
        'webhook-signature': new Webhook(secret).sign(id, now, body),
      },
    });
  }
}
