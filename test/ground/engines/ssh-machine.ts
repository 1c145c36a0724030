import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import type { SshHost } from '../../../src/domain/hosts/ssh-host.js';

/** What a machine lets a key do. */
type Rights = { commands: boolean; forwarding: boolean };

/**
 * A machine behind SSH that is this one: a server in this process, with a host key of its own, that leads to sockets and
 * ports of this machine and runs commands on it. It can be cut off, frozen and counted.
 */
export class SshMachine {
  /** How many connections were ever let in. */
  connections = 0;
  readonly rights: Rights = { commands: true, forwarding: true };
  readonly #directory = fs.mkdtempSync(path.join(os.tmpdir(), 'creel-ssh-'));
  readonly #own = keyPair();
  readonly #opens = keyPair();
  readonly #ssh: ssh2.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #listener: net.Server;
  #isFrozen = false;

  constructor() {
    fs.writeFileSync(this.identityFile, this.#opens.private, { mode: 0o600 });
    this.#ssh = new ssh2.Server({ hostKeys: [this.#own.private] }, (connection) => this.#serve(connection));
    this.#listener = net.createServer((socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      if (this.#isFrozen) socket.pause();
      else this.#ssh.injectSocket(socket);
    });
  }

  /** The private key that opens it. */
  get identityFile(): string {
    return path.join(this.#directory, 'id');
  }

  /** How many connections there are now. */
  get present(): number {
    return this.#sockets.size;
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#listener.listen(0, '127.0.0.1', resolve);
    });
    return this;
  }

  /** How a worker's settings name it. */
  settings(socketPath: string, name = 'b1'): SshHost {
    const address = this.#listener.address();
    if (address === null || typeof address === 'string') throw new Error('it listens nowhere');
    const [type = '', base64 = ''] = this.#own.public.split(' ');
    const { identityFile } = this;
    return {
      name,
      user: 'creel',
      address: '127.0.0.1',
      port: address.port,
      hostKey: { type, base64 },
      identityFile,
      socketPath,
    };
  }

  /** Every connection ends at once, as when its process is killed. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Nothing that is sent to it is heard any more, and whoever comes anew is left waiting. */
  freeze(): void {
    this.#isFrozen = true;
    for (const socket of this.#sockets) socket.pause();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    fs.rmSync(this.#directory, { recursive: true, force: true });
  }

  #serve(connection: Connection): void {
    const isOurs = (key: Buffer) => this.#opens.public.split(' ')[1] === key.toString('base64');
    connection.on('error', () => undefined); // A cut is no failure of the test.
    connection.on('authentication', (asked) => {
      if (asked.method === 'publickey' && isOurs(asked.key.data)) asked.accept();
      else asked.reject(['publickey']);
    });
    connection.on('ready', () => {
      this.connections += 1;
      if (this.rights.forwarding) {
        allowForwarding(connection);
        allowListening(connection);
      }
      connection.on('session', (begin) =>
        begin().on('exec', (accept, reject, { command }) => (this.rights.commands ? run(accept(), command) : reject())),
      );
    });
  }
}

/** Where nobody listens for them, a server answers that they are prohibited. */
function allowForwarding(connection: Connection): void {
  connection.on('openssh.streamlocal', (accept, reject, { socketPath }) =>
    lead(net.connect(socketPath), accept, reject),
  );
  connection.on('tcpip', (accept, reject, { destIP, destPort }) => lead(net.connect(destPort, destIP), accept, reject));
}

/** Whoever comes to a port of this machine's loopback, on which the other side asked to listen, is led there. */
function allowListening(connection: Connection): void {
  const listeners = new Map<number, net.Server>();
  connection.on('request', (accept, reject, name, { bindAddr, bindPort }) => {
    if (name === 'cancel-tcpip-forward') {
      listeners.get(bindPort)?.close();
      accept?.();
      return;
    }
    const server = net.createServer((socket) => {
      const { remoteAddress = '', remotePort = 0 } = socket;
      connection.forwardOut(bindAddr, portOf(server), remoteAddress, remotePort, (error, channel) => {
        if (error) return void socket.destroy();
        socket.on('error', () => channel.end());
        channel.on('close', () => socket.destroy());
        socket.pipe(channel).pipe(socket);
      });
    });
    server.once('error', () => reject?.());
    server.listen(bindPort, bindAddr, () => {
      listeners.set(portOf(server), server);
      accept?.(portOf(server));
    });
  });
  connection.on('close', () => listeners.forEach((server) => server.close()));
}

function portOf(server: net.Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

/** Some of the pairs that ssh2 makes are malformed, and read by nobody. */
function keyPair(): { readonly private: string; readonly public: string } {
  const made = ssh2.utils.generateKeyPairSync('ed25519');
  return ssh2.utils.parseKey(made.private) instanceof Error ? keyPair() : made;
}

/** Joins a channel and a socket of this machine, once the socket is there; half-closed on either side. */
function lead(socket: net.Socket, accept: () => ServerChannel, reject: () => void): void {
  socket.allowHalfOpen = true;
  socket.once('error', () => reject());
  socket.once('connect', () => {
    socket.removeAllListeners('error');
    const channel = accept();
    socket.on('error', () => channel.end());
    socket.on('close', () => channel.end());
    channel.on('close', () => socket.destroy());
    channel.on('error', () => socket.destroy());
    socket.pipe(channel);
    passOn(channel, socket);
  });
}

/**
 * What the other side has answered is read before more is written: a socket that it has closed breaks at a write, with
 * the answer unread.
 */
function passOn(from: ServerChannel, to: net.Socket): void {
  from.on('data', (chunk: Buffer) => {
    from.pause();
    setImmediate(() => to.write(chunk, () => from.resume()));
  });
  from.on('end', () => setImmediate(() => to.end()));
}

function run(channel: ServerChannel, command: string): void {
  const child = spawn('sh', ['-c', command], { stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.on('error', () => undefined); // It ended before it had read all.
  channel.pipe(child.stdin);
  child.stdout.pipe(channel, { end: false });
  child.once('close', (code) => {
    channel.exit(code ?? 1);
    channel.end();
  });
}

/** A host as a worker's `hosts.toml` names it. */
export function tableOf({ name, user, address, port, hostKey, identityFile, socketPath, engine }: SshHost): string {
  const fields = {
    name,
    ssh: `${user}@${address}:${port}`,
    host_key: `${hostKey.type} ${hostKey.base64}`,
    identity: identityFile,
    socket: socketPath,
    ...(engine !== undefined && { engine }),
  };
  const lines = Object.entries(fields).map(([field, value]) => `${field} = ${JSON.stringify(value)}`);
  return ['[[host]]', ...lines, ''].join('\n');
}
