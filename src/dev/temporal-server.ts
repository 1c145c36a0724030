import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as after } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { searchAttributeFlags } from '../worker/search-attributes.js';

export type DevServer = {
  readonly binary: string;
  readonly port: number;
  readonly uiPort: number;
  readonly databaseFile: string;
  readonly logFile: string;
};

/** A start takes 0.5 to 1.1 s, and longer on a machine that is building an image. */
const startMs = 60_000;

/**
 * A task costs 50 ms without the first; eager activities save the way back through matching (temporal-dev-server 3).
 */
const dynamicConfig = ['history.transferProcessorMaxPollRPS=1000', 'system.enableActivityEagerExecution=true'];

/** WAL with NORMAL survives a killed process; a power cut may cost the last moments of a demo. */
const pragmas = ['journal_mode=WAL', 'synchronous=NORMAL'];

/** The arguments of `temporal` for a server on loopback with its database in a file. */
export function serverArguments({ port, uiPort, databaseFile }: DevServer): string[] {
  return [
    'server',
    'start-dev',
    '--ip=127.0.0.1',
    `--port=${port}`,
    `--ui-port=${uiPort}`,
    `--db-filename=${databaseFile}`,
    '--log-level=warn',
    ...dynamicConfig.flatMap((setting) => ['--dynamic-config-value', setting]),
    ...pragmas.flatMap((pragma) => ['--sqlite-pragma', pragma]),
    ...searchAttributeFlags,
  ];
}

/**
 * Starts a server in a session of its own, out of reach of a Ctrl-C, and waits until its namespace answers. It outlives
 * this process: stop it by the returned pid. If it ends at once or stays silent, the error carries the end of its log.
 */
export async function startServer(server: DevServer): Promise<number> {
  const log = openSync(server.logFile, 'a', 0o600);
  const child = spawn(server.binary, serverArguments(server), { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  await once(child, 'spawn');
  child.unref();
  const until = performance.now() + startMs;
  while (child.exitCode === null && child.signalCode === null && performance.now() < until) {
    if (await answers(server.port)) return child.pid ?? 0;
    await after(50);
  }
  child.kill('SIGKILL');
  const said = readFileSync(server.logFile, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
  throw new Error(
    `the Temporal dev server does not answer on port ${server.port}. Its log (${server.logFile}) ends:\n${said}`,
  );
}

/** Whether a server on this port serves its namespace. */
export async function answers(port: number): Promise<boolean> {
  const address = `127.0.0.1:${port}`;
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({ address, connectTimeout: 1_000 });
    await connection.workflowService.describeNamespace({ namespace: 'default' });
    return true;
  } catch {
    return false; // Not up yet, or another program's port.
  } finally {
    await connection?.close();
  }
}
