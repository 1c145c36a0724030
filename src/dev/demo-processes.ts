import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import {
  areFree,
  compiled,
  freePorts,
  rememberPorts,
  writeHolder,
  type DemoHome,
  type DemoPorts,
} from './demo-home.js';
import type { Found } from './found.js';
import { endProcess, findProcesses, lives, processOf, type OwnProcess } from './own-process.js';
import { answers, serverArguments, startServer, type DevServer } from './temporal-server.js';

/** How long a server and a worker may take to end when asked. */
const serverGraceMs = 10_000;
const workerGraceMs = 15_000;

/** How often the demo checks that both are alive. */
const lookMs = 500;

/** A process that has died this often in a row is not started again. */
const deaths = 5;

/** A process that ends by itself this soon after its start, twice in the same way, will do so every time. */
const soonMs = 20_000;

/** A process of the demo; `end` tells, for one that this demo started, how it ended: "exit code 1", "SIGKILL". */
export type DemoProcess = OwnProcess & { readonly end?: Promise<string> };

/** The worker's program below `dist/`, of whichever checkout and build. */
const workerProgram = join('src', 'dev', 'demo-worker.js');
const workerMain = compiled(workerProgram);

/**
 * The demo's server on its remembered ports: the one that an earlier demo left running, if it is the very same and
 * answers, or else a new one on the same database. Ports taken by somebody else meanwhile are replaced by others.
 */
export async function provideServer(
  home: DemoHome,
  found: Found,
  remembered: DemoPorts,
  signal: AbortSignal,
): Promise<{ ports: DemoPorts; server: OwnProcess }> {
  const options = (ports: DemoPorts): DevServer => ({
    binary: found.temporal,
    ...ports,
    databaseFile: home.databaseFile,
    logFile: home.serverLog,
  });
  const expected = serverArguments(options(remembered)).join('\0');
  for (const left of findServers(home)) {
    if (left.argv.slice(1).join('\0') === expected && (await answers(remembered.port))) {
      return { ports: remembered, server: left };
    }
    await endProcess(left, serverGraceMs);
  }
  const ports = (await areFree(remembered)) ? remembered : await freePorts();
  signal.throwIfAborted();
  rememberPorts(home, ports);
  writeHolder(home, ports);
  const server = processOf(await startServer(options(ports)));
  if (!server) throw new Error(`the Temporal dev server ended right after its start, see ${home.serverLog}`);
  return { ports, server };
}

/**
 * A new worker. One that an earlier demo left running, from any checkout, runs old code and is ended. The new one
 * survives a Ctrl-C. Nothing is started once the signal has fired.
 */
export async function startWorker(home: DemoHome, address: string, signal: AbortSignal): Promise<DemoProcess> {
  await endWorkers(home);
  signal.throwIfAborted();
  const log = openSync(home.workerLog, 'a', 0o600);
  const child = spawn(process.execPath, [workerMain, home.directory, address], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const end = endOfChild(child);
  await once(child, 'spawn');
  child.unref();
  const worker = processOf(child.pid ?? 0);
  if (!worker) throw new Error(`the worker ended right after its start:\n${endOf(home.workerLog)}`);
  return { ...worker, end };
}

/** How a child ended, in words; pending while it lives. */
export async function endOfChild(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}

/** Ends every running process of this demo, whichever demo started it. */
export async function endAll(home: DemoHome): Promise<void> {
  await endWorkers(home);
  await Promise.all(findServers(home).map((server) => endProcess(server, serverGraceMs)));
}

/**
 * Restarts what dies, until the signal fires. Throws, with the end of its log, when a process keeps dying, or twice
 * ends by itself in the same way right after its start.
 */
export async function keepAlive(
  first: DemoProcess,
  logFile: string,
  start: () => Promise<DemoProcess>,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let current = first;
  let died = 0;
  let startedAt = performance.now();
  let before = '';
  for (let looks = 1; !signal.aborted; looks += 1) {
    await after(lookMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted || lives(current)) {
      if (looks % 60 === 0) died = 0;
      continue;
    }
    died += 1;
    const end = await Promise.race([current.end ?? '', after(lookMs, '')]);
    const byItself = end.startsWith('exit code') && performance.now() - startedAt < soonMs ? end : '';
    if (died > deaths || (byItself !== '' && byItself === before))
      throw new Error(
        `process ${current.pid} died${end && ` (${end})`}, ${died} times in a row. Its log (${logFile}) ends:\n${endOf(logFile)}`,
      );
    before = byItself;
    say(`process ${current.pid} died${end && ` (${end})`}; starting another`);
    startedAt = performance.now();
    current = await startUnless(signal, start, current);
  }
}

/**
 * Starts a process unless the demo is being stopped, which a start under way may find out late: then what died stays
 * dead.
 */
async function startUnless(
  signal: AbortSignal,
  start: () => Promise<DemoProcess>,
  before: DemoProcess,
): Promise<DemoProcess> {
  try {
    return await start();
  } catch (error) {
    if (signal.aborted) return before;
    throw error;
  }
}

async function endWorkers(home: DemoHome): Promise<void> {
  const runs = (script: string | undefined) => script?.endsWith(sep + workerProgram) === true;
  const workers = findProcesses((argv) => runs(argv[1]) && argv[2] === home.directory);
  await Promise.all(workers.map((worker) => endProcess(worker, workerGraceMs)));
}

function findServers(home: DemoHome) {
  return findProcesses((argv) => argv[1] === 'server' && argv.includes(`--db-filename=${home.databaseFile}`));
}

function endOf(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
}
