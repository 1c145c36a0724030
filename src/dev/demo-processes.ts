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

/** How long a server and a worker may take to end politely. */
const serverGraceMs = 10_000;
const workerGraceMs = 15_000;

/** How often the demo looks whether both live. */
const lookMs = 500;

/** A process that dies this often in a row is not started again. */
const deaths = 5;

/** One that ended by itself so soon after its start, and then again in the same way, ends so every time. */
const soonMs = 20_000;

/** A process of the demo, and for one that this demo started how it ended: "exit code 1", "SIGKILL". */
export type DemoProcess = OwnProcess & { readonly end?: Promise<string> };

/** The worker's program below `dist/`, whichever checkout and build that is. */
const workerProgram = join('src', 'dev', 'demo-worker.js');
const workerMain = compiled(workerProgram);

/**
 * The demo's server on its remembered ports: the one that an earlier demo left behind, if it is the very same and answers, else
 * a fresh one on the same database. Ports that somebody else took meanwhile are given up for others.
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
 * A fresh worker; one that an earlier demo left behind, from whichever checkout, runs yesterday's code and is ended. Both survive a
 * Ctrl-C. Nothing is started any more once the signal has fired.
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

/** How a child ended, as people read it; never, while it lives. */
export async function endOfChild(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}

/** Ends whatever of this demo runs, whoever started it. */
export async function endAll(home: DemoHome): Promise<void> {
  await endWorkers(home);
  await Promise.all(findServers(home).map((server) => endProcess(server, serverGraceMs)));
}

/**
 * Starts again what dies, until the signal fires; throws, with the end of its log, when it dies again and again, or ends by itself
 * twice in the same way as soon as it has started.
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

/** What is being started while the demo is stopped may find that it must not: then what died stays dead. */
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
