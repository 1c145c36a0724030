import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { withLock } from '../adapters/files/file-lock.js';
import { demoStateFile } from '../client/demo-state.js';
import { lives, processOf } from './own-process.js';

/** Where the demo keeps its own things: server, database, key, ports, logs. */
export type DemoHome = {
  readonly directory: string;
  readonly stateFile: string;
  readonly keyFile: string;
  readonly databaseFile: string;
  readonly serverLog: string;
  readonly workerLog: string;
  /** What belongs to a gateway on a machine of its own: where that is, the key to it, the account of the stand-in. */
  readonly machines: string;
  /** The settings by which its worker buys machines. */
  readonly lightsailFile: string;
};

const holderForm = z.object({
  version: z.literal(1),
  pid: z.number().int().positive(),
  born: z.string(),
  address: z.string(),
  namespace: z.string(),
  ui: z.string(),
});

/** The running demo according to demo.json: which process it is, and where it can be reached. */
export type DemoHolder = z.infer<typeof holderForm>;

const portsForm = z.object({ port: z.number().int(), uiPort: z.number().int() });

/** The ports of the demo's server, the same from one demo to the next. */
export type DemoPorts = z.infer<typeof portsForm>;

export const demoNamespace = 'default';

/** The demo's directory, made 0700 where there is none. */
export function demoHome(env: NodeJS.ProcessEnv): DemoHome {
  const stateFile = demoStateFile(env);
  const directory = dirname(stateFile);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return homeIn(directory);
}

/** The same for a given directory: this is how the demo's worker learns where it belongs. */
export function homeIn(directory: string): DemoHome {
  return {
    directory,
    stateFile: join(directory, 'demo.json'),
    keyFile: join(directory, 'master.key'),
    databaseFile: join(directory, 'temporal.db'),
    serverLog: join(directory, 'temporal.log'),
    workerLog: join(directory, 'worker.log'),
    machines: join(directory, 'machines'),
    lightsailFile: join(directory, 'machines', 'lightsail.toml'),
  };
}

/** Makes this process the demo, or returns the one that is running. A demo that died silently is passed over. */
export async function claimDemo(home: DemoHome, ports: DemoPorts): Promise<DemoHolder | undefined> {
  return withLock(join(home.directory, 'lock'), () => {
    const holder = holderForm.safeParse(readJson(home.stateFile));
    if (holder.success && lives(holder.data)) return holder.data;
    writeHolder(home, ports);
    return undefined;
  });
}

/** Records where this process's demo can be reached. */
export function writeHolder(home: DemoHome, { port, uiPort }: DemoPorts): void {
  const self = processOf(process.pid);
  if (!self) throw new Error(`process ${process.pid} does not find itself`);
  const [address, ui] = [`127.0.0.1:${port}`, `http://127.0.0.1:${uiPort}`];
  writeWhole(home.stateFile, { version: 1, ...self, address, namespace: demoNamespace, ui } satisfies DemoHolder);
}

/** Records that the demo is over. */
export function releaseDemo(home: DemoHome): void {
  rmSync(home.stateFile, { force: true });
}

/** The ports of the previous demo, or else free ones. */
export async function rememberedPorts(home: DemoHome): Promise<DemoPorts> {
  const remembered = portsForm.safeParse(readJson(join(home.directory, 'ports.json')));
  return remembered.success ? remembered.data : freePorts();
}

/** Keeps the ports for later demos. */
export function rememberPorts(home: DemoHome, ports: DemoPorts): void {
  writeWhole(join(home.directory, 'ports.json'), ports);
}

const modelForm = z.object({ port: z.number().int(), key: z.string().min(8) });

/** Where the model that stands in listens, and its key: the same from one demo to the next, because a kept gateway asks there. */
export type DemoModelPlace = z.infer<typeof modelForm>;

/** Where it listened in the demo before, if there was one. */
export function rememberedModel(home: DemoHome): DemoModelPlace | undefined {
  return modelForm.safeParse(readJson(join(home.directory, 'model.json'))).data;
}

/** Keeps that for later demos. */
export function rememberModel(home: DemoHome, place: DemoModelPlace): void {
  writeWhole(join(home.directory, 'model.json'), place);
}

const hostForm = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('local') }),
  z.object({ kind: z.enum(['stand-in', 'lightsail']), region: z.string() }),
]);

/** Where the demo's gateway stands: on the engine here, or on a machine that the stand-in sells, or Lightsail itself. */
export type DemoHost = z.infer<typeof hostForm>;

/** Where the gateway of an earlier demo stands, while it is on a machine. */
export function rememberedHost(home: DemoHome): DemoHost | undefined {
  return hostForm.safeParse(readJson(join(home.machines, 'host.json'))).data;
}

/** Keeps that until nothing is left there. */
export function rememberHost(home: DemoHome, host: DemoHost): void {
  mkdirSync(home.machines, { recursive: true, mode: 0o700 });
  writeWhole(join(home.machines, 'host.json'), host);
}

/** Two loopback ports that nobody listens on. */
export async function freePorts(): Promise<DemoPorts> {
  const servers = [createServer(), createServer()];
  const taken = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen({ host: '127.0.0.1', port: 0 }, () => {
            const at = server.address();
            resolve(typeof at === 'object' && at ? at.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return { port: taken[0] ?? 0, uiPort: taken[1] ?? 0 };
}

/** Whether both ports could be listened on right now. */
export async function areFree({ port, uiPort }: DemoPorts): Promise<boolean> {
  const free = await Promise.all([port, uiPort].map(isFree));
  return free.every(Boolean);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)));
  });
}

function writeWhole(file: string, content: unknown): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(content)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // None, or not ours: no use either way.
  }
}

/** The path of a compiled file of this project, given below `dist/`. */
export function compiled(path: string): string {
  return join(fileURLToPath(new URL('../..', import.meta.url)), path);
}
