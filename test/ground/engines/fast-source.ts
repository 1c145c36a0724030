import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** An engine in a process of its own, whose one container has an empty past and writes 50 MB of numbered lines a second. */
const program = `
const http = require('node:http');
const lines = 50;
const lineBytes = 1000;
/** Lines with the moment of now and the next numbers. */
const block = () => {
  const bytes = Buffer.alloc(lines * lineBytes, 'x');
  const moment = new Date().toISOString().replace('Z', '000000Z') + ' ';
  for (let at = 0; at < bytes.length; at += lineBytes) {
    bytes.writeUInt32BE(0x01000000, at);
    bytes.writeUInt32BE(lineBytes - 8, at + 4);
    bytes.write(moment + (said += 1) + ' ', at + 8, 'latin1');
    bytes[at + lineBytes - 1] = 10;
  }
  return bytes;
};
let written = 0;
let said = 0;
let readers = 0;
const server = http.createServer((request, response) => {
  if (request.url.includes('/json')) {
    const inspected = { Id: 'c', Name: '/c', Image: 'i', Args: [], RestartCount: 0, Config: { Labels: {} }, State: { Status: 'running', ExitCode: 0, OOMKilled: false, StartedAt: '' }, HostConfig: { Memory: 0 } };
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify(inspected));
  }
  if (request.url.includes('follow=0')) return response.end();
  readers += 1;
  let due = 0;
  let blocked = false;
  const write = () => {
    for (; due > 0 && !blocked; due -= lines * lineBytes) {
      written += lines * lineBytes;
      blocked = !response.write(block());
    }
  };
  const timer = setInterval(() => {
    due = Math.min(due + 1e6, 1e6);
    write();
  }, 20);
  response.on('drain', () => {
    blocked = false;
    write();
  });
  response.on('close', () => { readers -= 1; clearInterval(timer); });
});
server.listen(process.argv[1], () => setInterval(() => console.log(JSON.stringify({ written, readers })), 100));
`;

/** The source of a log that nobody can keep up with. */
export class FastSource {
  readonly socketPath: string;
  /** How much it could write so far, and how many read it. */
  seen = { written: 0, readers: 0 };
  readonly #process: ChildProcess;

  private constructor(socketPath: string, process: ChildProcess) {
    this.socketPath = socketPath;
    this.#process = process;
  }

  static async open(): Promise<FastSource> {
    const socketPath = path.join(os.tmpdir(), `creel-fast-${randomBytes(4).toString('hex')}.sock`);
    const child = spawn(process.execPath, ['-e', program, socketPath], { stdio: ['ignore', 'pipe', 'inherit'] });
    const source = new FastSource(socketPath, child);
    const lines = createInterface(child.stdout);
    lines.on('line', (line) => (source.seen = JSON.parse(line) as typeof source.seen));
    await once(lines, 'line');
    return source;
  }

  async close(): Promise<void> {
    this.#process.kill();
    await once(this.#process, 'exit');
    fs.rmSync(this.socketPath, { force: true });
  }
}
