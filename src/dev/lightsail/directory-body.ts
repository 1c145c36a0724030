import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BodyHostKey, BodyOrder, MachineBody } from './body.js';

type Power = 'off' | 'on' | 'frozen';

/** A machine that is a directory: nobody can log in, and everything else can be seen. */
export class DirectoryBody implements MachineBody {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
    mkdirSync(root, { recursive: true });
  }

  async create(order: BodyOrder): Promise<void> {
    if (existsSync(this.#at(order.id))) return;
    mkdirSync(this.#at(order.id));
    this.#write(order.id, 'order.json', JSON.stringify(order));
    this.#write(order.id, 'host-key', ed25519Key());
    this.#power(order.id, 'off');
  }

  async start(id: string): Promise<void> {
    if (this.power(id) !== 'off') return;
    this.#write(id, 'address', freshAddress());
    this.#power(id, 'on');
  }

  async stop(id: string): Promise<void> {
    this.#power(id, 'off');
  }

  async kill(id: string): Promise<void> {
    this.#power(id, 'off');
  }

  async freeze(id: string): Promise<void> {
    if (this.power(id) === 'on') this.#power(id, 'frozen');
  }

  async thaw(id: string): Promise<void> {
    if (this.power(id) === 'frozen') this.#power(id, 'on');
  }

  async delete(id: string): Promise<void> {
    rmSync(this.#at(id), { recursive: true, force: true });
  }

  async address(id: string): Promise<string | undefined> {
    return this.power(id) === 'off' ? undefined : this.#read(id, 'address');
  }

  async attach(_id: string, address: string): Promise<string> {
    return address;
  }

  async hostKeys(id: string): Promise<BodyHostKey[]> {
    const publicKey = this.#read(id, 'host-key');
    return publicKey === undefined ? [] : [{ algorithm: 'ssh-ed25519', publicKey }];
  }

  async list(): Promise<string[]> {
    return readdirSync(this.#root);
  }

  /** Whether it is switched on; off, too, when there is none. */
  power(id: string): Power {
    const found = this.#read(id, 'power');
    return found === 'on' || found === 'frozen' ? found : 'off';
  }

  #power(id: string, power: Power): void {
    if (existsSync(this.#at(id))) this.#write(id, 'power', power);
  }

  #write(id: string, name: string, text: string): void {
    writeFileSync(path.join(this.#at(id), name), text);
  }

  #read(id: string, name: string): string | undefined {
    const file = path.join(this.#at(id), name);
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  }

  #at(id: string): string {
    return path.join(this.#root, id);
  }
}

/** An Ed25519 host key as sshd writes it, of a machine that nobody knocks at. */
function ed25519Key(): string {
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  return Buffer.concat([field(Buffer.from('ssh-ed25519')), field(randomBytes(32))]).toString('base64');
}

/** One of a network that is kept for examples. */
function freshAddress(): string {
  const [third = 0, fourth = 0] = randomBytes(2);
  return `198.${18 + (third % 2)}.${third}.${1 + (fourth % 254)}`;
}
