import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, type WorkflowBundle } from '@temporalio/worker';
import getPort from 'get-port';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readDeployment, readNewestKey } from '../../src/client/deployment/deployment.js';
import { findKeys, holdDeployment, startDeployment } from '../../src/client/deployment/hold-deployment.js';
import { tellDeployment } from '../../src/client/deployment/keys.js';
import { keyCheck, masterKey } from '../../src/domain/keys/token.js';
import { answers, serverArguments, type DevServer } from '../../src/dev/temporal-server.js';
import { openOperations } from '../../src/worker/open-operations.js';
import { runWorker } from '../../src/worker/run.js';
import { ensureSearchAttributes } from '../../src/worker/search-attributes.js';
import { openLog, temporalLogger } from '../../src/worker/log.js';
import { warnOfRetention } from '../../src/worker/retention.js';
import { deploymentWorkflowId, taskQueue } from '../../src/wire/ids.js';
import type { KeyOrder } from '../../src/wire/deployment-keys.js';
import { continueAsNewSignal } from '../../src/wire/messages.js';
import { searchAttributeKeys } from '../../src/wire/search-attributes.js';
import { found } from '../ground/found.js';
import { openTestWorld } from '../world/open-test-world.js';

const key = masterKey('ab'.repeat(32));
const otherKey = masterKey('cd'.repeat(32));
const slots = { activities: 10, waits: 20, workflowTasks: 10, cachedWorkflows: 50 };
const forever = new AbortController().signal;

/** Lines that a log got, and a wait for one of them. */
class Lines {
  readonly all: string[] = [];
  readonly log = openLog('info', { write: (line: string) => void this.all.push(line) });

  async until(text: string, limitMs = 120_000): Promise<string> {
    const end = performance.now() + limitMs;
    for (;;) {
      const line = this.all.find((each) => each.includes(text));
      if (line !== undefined) return line;
      if (performance.now() > end) throw new Error(`no log line says "${text}":\n${this.all.join('')}`);
      await after(25);
    }
  }
}

/** A dev server without search attributes of ours, which can be killed and started again on its database. */
class BareServer {
  readonly #server: DevServer;
  #process: ChildProcess | undefined;

  constructor(server: DevServer) {
    this.#server = server;
  }

  async start(): Promise<void> {
    const given = serverArguments(this.#server);
    const bare = given.slice(0, given.indexOf('--search-attribute'));
    this.#process = spawn(this.#server.binary, [...bare, '--headless'], { stdio: 'ignore' });
    const end = performance.now() + 120_000;
    while (!(await answers(this.#server.port))) {
      if (performance.now() > end) throw new Error('the dev server does not answer');
      await after(50);
    }
  }

  async kill(): Promise<void> {
    if (!this.#process || this.#process.exitCode !== null) return;
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
  }
}

describe('how a worker starts', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'creel-start-'));
  let server: BareServer;
  let address: string;
  let connection: NativeConnection;
  let workflowBundle: WorkflowBundle;
  let namespace: string;
  let client: Client;

  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    const port = await getPort();
    address = `127.0.0.1:${port}`;
    const files = { databaseFile: path.join(directory, 'temporal.db'), logFile: path.join(directory, 'log') };
    server = new BareServer({ binary: found().temporal ?? '', port, uiPort: await getPort(), ...files });
    await server.start();
    connection = await NativeConnection.connect({ address });
    const workflowsPath = fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url));
    workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  });

  afterAll(async () => {
    await connection.close();
    await server.kill();
    rmSync(directory, { recursive: true });
  });

  beforeEach(async () => {
    namespace = `n${randomBytes(4).toString('hex')}`;
    client = new Client({ connection, namespace });
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: 86_400 } as never,
    });
    const end = performance.now() + 20_000;
    for (;;) {
      try {
        await client.workflow.count();
        return;
      } catch (error) {
        if (performance.now() > end) throw error;
        await after(100);
      }
    }
  });

  test('a namespace that keeps closed runs for a shorter time than gateways remember is named, with the command (S3-25)', async () => {
    const lines = new Lines();
    await warnOfRetention(connection, { namespace, address }, lines.log);
    expect(lines.all.join('')).toMatch(
      /keeps closed runs for 1 day, gateways remember requests for 14.*creel namespace --address 127/,
    );
    const config = { workflowExecutionRetentionTtl: { seconds: 14 * 86_400 } as never };
    await connection.workflowService.updateNamespace({ namespace, config });
    const quiet = new Lines();
    await expect
      .poll(async () => {
        quiet.all.length = 0;
        await warnOfRetention(connection, { namespace, address }, quiet.log);
        return quiet.all;
      })
      .toEqual([]);
  });

  test('a namespace belongs to the deployment of one key, and says so without a worker', async () => {
    await expect(holdDeployment(client, [key])).rejects.toThrow(/belongs to no deployment.*creel init/);
    const made = await startDeployment(client, [key]);
    expect(made.deployment).toMatch(/^[a-z]{10}$/);
    expect(await startDeployment(client, [key])).toEqual(made);
    expect(await holdDeployment(client, [key])).toEqual(made);
    expect(await readDeployment(client)).toBe(made.deployment);
    for (const ask of [holdDeployment, startDeployment]) {
      await expect(ask(client, [otherKey])).rejects.toMatchObject({
        name: 'Refused',
        message: expect.stringMatching(new RegExp(`${key.id}.*${otherKey.id}`)),
      });
    }
    expect(JSON.stringify(made)).not.toContain('ab'.repeat(16));
  });

  test('twenty at once mint one deployment', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => startDeployment(client, [key])));
    expect(new Set(made.map(({ deployment }) => deployment)).size).toBe(1);
  });

  test('a deployment that somebody ended is refused, and begun again under the same id', async () => {
    const made = await startDeployment(client, [key]);
    await client.workflow.getHandle(deploymentWorkflowId).terminate('by hand');
    await expect(holdDeployment(client, [key])).rejects.toThrow(/somebody ended.*creel init/);
    expect(await startDeployment(client, [key])).toEqual(made);
    expect(await holdDeployment(client, [key])).toEqual(made);
  });

  test('a namespace of a newer layout, or of somebody else, is refused', async () => {
    const start = (memo: Record<string, unknown>) =>
      client.workflow.start('deployment', { workflowId: deploymentWorkflowId, taskQueue, memo });
    const memo = { deployment: 'abcdefghij', layout: 2, keyId: key.id, keyCheck: 'x' };
    await (await start(memo)).describe();
    await expect(holdDeployment(client, [key])).rejects.toThrow(/newer creel/);
    await client.workflow.getHandle(deploymentWorkflowId).terminate();
    await start({});
    await expect(startDeployment(client, [key])).rejects.toThrow(/not creel's/);
  });

  test('a namespace that is not there is refused with the command that makes it', async () => {
    const nowhere = new Client({ connection, namespace: 'nowhere' });
    await expect(holdDeployment(nowhere, [key])).rejects.toThrow(
      /no namespace nowhere.*creel namespace --namespace nowhere/,
    );
  });

  test('search attributes are registered, can be used by a workflow from that moment, and no probe goes on', async () => {
    const lines = new Lines();
    await ensureSearchAttributes(connection, namespace, lines.log, forever, address);
    await lines.until('search attributes registered', 1);
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    for (const { name } of searchAttributeKeys) expect(customAttributes).toHaveProperty(name);
    const again = new Lines();
    await ensureSearchAttributes(connection, namespace, again.log, forever, address);
    expect(again.all).toEqual([]);
    await expect
      .poll(async () => (await client.workflow.count("ExecutionStatus = 'Running'")).count, { timeout: 60_000 })
      .toBe(0);
  });

  test('an attribute of another type is refused', async () => {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: { GatewayId: 1 } });
    await expect(ensureSearchAttributes(connection, namespace, new Lines().log, forever, address)).rejects.toThrow(
      /GatewayId.*another type/,
    );
  });

  test('where nobody may register, the names and commands are said, and it is waited for', async () => {
    const lines = new Lines();
    const forbidden = () => Promise.reject(Object.assign(new Error('Request unauthorized.'), { code: 7 }));
    const cloud: NativeConnection = Object.create(connection, {
      operatorService: { value: { listSearchAttributes: forbidden, addSearchAttributes: forbidden } },
    });
    let done = false;
    const waiting = ensureSearchAttributes(cloud, namespace, lines.log, forever, address).then(() => {
      done = true;
    });
    const said = await lines.until('cannot be used yet');
    for (const { name } of searchAttributeKeys)
      expect(said).toContain(`--address ${address} --namespace ${namespace} --name ${name} --type`);
    expect(said).toContain(`tcld namespace search-attributes add --namespace ${namespace}`);
    await after(600);
    expect(done).toBe(false);
    await ensureSearchAttributes(connection, namespace, new Lines().log, forever, address);
    await waiting;
  });

  test('the worker waits for its server, works, begins again after the server was killed, and stops when told', async () => {
    await startDeployment(client, [key]);
    await server.kill();
    const world = openTestWorld();
    const lines = new Lines();
    const ending = new AbortController();
    const parts = {
      server: { address },
      namespace,
      readKeys: () => [key],
      openWorld: () => world.deps,
      workflowBundle,
      slots,
    };
    const running = runWorker({ ...parts, log: lines.log, signal: ending.signal });
    await lines.until('Temporal does not answer');
    await server.start();
    await lines.until('the worker is ready');
    const works = async () => {
      const outside = await Connection.connect({ address });
      const handle = new Client({ connection: outside, namespace }).workflow.getHandle(deploymentWorkflowId);
      const answer = await outside.withDeadline(Date.now() + 10_000, () =>
        handle.query('__temporal_workflow_metadata'),
      );
      await outside.close();
      return answer;
    };
    expect(await works()).toMatchObject({ definition: { type: 'deployment' } });
    await server.kill();
    await after(1_000);
    await server.start();
    expect(await works()).toMatchObject({ definition: { type: 'deployment' } });
    expect(await openOperations(client)('gateway/')).toEqual([]);
    expect(await openOperations(client)('deploy')).toEqual([deploymentWorkflowId]);
    ending.abort();
    await running;
    expect(lines.all.filter((line) => line.includes('Temporal does not answer'))).toHaveLength(1);
    world.close();
  }, 90_000);

  test('a worker refuses a namespace without a deployment, and one of another key', async () => {
    const world = openTestWorld();
    const ending = new AbortController();
    const lines = new Lines();
    const parts = {
      server: { address },
      namespace,
      readKeys: () => [key],
      openWorld: () => world.deps,
      workflowBundle,
      slots,
    };
    const run = async () => {
      const running = runWorker({ ...parts, log: lines.log, signal: ending.signal });
      await Promise.race([running, lines.until('the worker is ready', 5_000)]);
      ending.abort(); // Only a worker that did not refuse comes here.
      await running;
    };
    await expect(run()).rejects.toThrow('creel init');
    await startDeployment(client, [otherKey]);
    await expect(run()).rejects.toThrow(otherKey.id);
    world.close();
  });

  test('the keys of a deployment: announced, promoted, each once, and carried on as new', async () => {
    const { deployment } = await startDeployment(client, [key]);
    const world = openTestWorld();
    const ending = new AbortController();
    const lines = new Lines();
    const parts = {
      server: { address },
      namespace,
      readKeys: () => [key],
      openWorld: () => world.deps,
      workflowBundle,
    };
    const running = runWorker({ ...parts, slots, log: lines.log, signal: ending.signal });
    await lines.until('the worker is ready');
    const tell = (word: KeyOrder) => tellDeployment(client, word);
    const announce = { word: 'announce', id: otherKey.id, check: keyCheck(otherKey, deployment) } as const;
    await expect(tell({ word: 'promote', id: otherKey.id })).rejects.toThrow(/not on its way/);
    const both = await tell(announce);
    expect(both.map(({ id, state }) => `${id} ${state}`)).toEqual([`${key.id} current`, `${otherKey.id} next`]);
    expect(await tell(announce)).toEqual(both);
    await expect(tell({ ...announce, id: '00000000' })).rejects.toThrow(/on its way to be the current one already/);
    expect(await readNewestKey(client)).toEqual({ keyId: otherKey.id });

    await expect(holdDeployment(client, [key])).rejects.toThrow(`being changed from ${key.id} to ${otherKey.id}`);
    await expect(holdDeployment(client, [otherKey])).rejects.toThrow(`of the master key ${key.id}`);
    expect(await holdDeployment(client, [otherKey, key])).toMatchObject({ keyId: key.id, keys: both });

    const after = await tell({ word: 'promote', id: otherKey.id });
    expect(after.map(({ id, state }) => `${id} ${state}`)).toEqual([`${key.id} retired`, `${otherKey.id} current`]);
    expect(await tell({ word: 'promote', id: otherKey.id })).toEqual(after);
    await expect(tell({ ...announce, id: key.id })).rejects.toThrow(/used before/);

    const handle = client.workflow.getHandle(deploymentWorkflowId);
    const { runId } = await handle.describe();
    await handle.signal(continueAsNewSignal);
    await expect.poll(async () => (await handle.describe()).runId, { timeout: 60_000 }).not.toBe(runId);
    expect(await findKeys(client)).toEqual(after);
    expect(await tell({ word: 'promote', id: otherKey.id })).toEqual(after);
    ending.abort();
    await running;
    await handle.terminate('by hand');
    expect(await startDeployment(client, [otherKey])).toMatchObject({ deployment, keyId: otherKey.id, keys: after });
    world.close();
  });

  test('a worker with only the retired key refuses to start, and one without the next key does too', async () => {
    const check = (each: typeof key) => keyCheck(each, 'abcdefghij');
    const keys = (before: string, after: string) => [
      { id: key.id, check: check(key), state: before },
      { id: otherKey.id, check: check(otherKey), state: after },
    ];
    const world = openTestWorld();
    const start = async (memo: object, here: readonly (typeof key)[]) => {
      const whole = { deployment: 'abcdefghij', layout: 1, ...memo };
      await client.workflow.start('deployment', { workflowId: deploymentWorkflowId, taskQueue, memo: whole });
      const [ending, lines] = [new AbortController(), new Lines()];
      const parts = {
        server: { address },
        namespace,
        readKeys: () => here,
        openWorld: () => world.deps,
        workflowBundle,
      };
      const running = runWorker({ ...parts, slots, log: lines.log, signal: ending.signal });
      await Promise.race([running, lines.until('the worker is ready', 10_000)]).finally(() => ending.abort());
      await running;
      await client.workflow.getHandle(deploymentWorkflowId).terminate();
    };
    const underWay = { keyId: key.id, keyCheck: check(key), keys: keys('current', 'next') };
    const promoted = { keyId: otherKey.id, keyCheck: check(otherKey), keys: keys('retired', 'current') };
    const refused = async (memo: object, word: string) => {
      await expect(start(memo, [key])).rejects.toThrow(word);
      await client.workflow.getHandle(deploymentWorkflowId).terminate();
    };
    await refused(underWay, 'is being changed');
    await refused(promoted, `use the file of ${otherKey.id}`);
    await start(underWay, [otherKey, key]);
    await start(promoted, [otherKey]);
    await start(promoted, [otherKey, key]);
    world.close();
  }, 90_000);

  test('an operation is one line when it begins and one when it ends; what else runs is none', () => {
    const lines = new Lines();
    const logger = temporalLogger(lines.log);
    const of = (workflowId: string) => ({ sdkComponent: 'worker', workflowId });
    const operation = of('gateway/g42/7k3fq2/1-provision');
    for (const each of [operation, of('gateway/g42'), of('gateway/g42/7k3fq2/probe-1f0c'), of('page/g42')]) {
      logger.debug('Workflow started', each);
      logger.debug('Workflow completed', each);
    }
    logger.info('Worker state changed', { sdkComponent: 'worker', state: 'RUNNING' });
    logger.warn('No workflows registered, not polling for workflow tasks', { sdkComponent: 'worker' });
    logger.warn('Workflow failed', { ...operation, error: new Error('check host: no disk') });
    expect(lines.all.map((line): unknown => JSON.parse(line))).toMatchObject([
      { msg: 'operation begins', gateway: 'g42', workflowId: operation.workflowId },
      { msg: 'operation has ended', gateway: 'g42' },
      { level: 40, gateway: 'g42', err: { message: 'check host: no disk' } },
    ]);
    expect(lines.all.join('')).not.toContain('stack');
  });

  test('the SDK logs through ours, without payloads and without saying what the interceptor says', () => {
    const lines = new Lines();
    const logger = temporalLogger(lines.log);
    logger.error('Error while processing ActivityTask.start', {
      taskEncoded: 's3cret',
      activityType: 'x',
      input: { a: 's3cret' },
    });
    logger.warn('Activity failed', { sdkComponent: 'worker', error: new Error('s3cret') });
    logger.info('Worker state changed', { state: 'RUNNING', error: new Error('outer', { cause: new Error('inner') }) });
    expect(lines.all).toHaveLength(2);
    expect(lines.all.join('')).not.toContain('s3cret');
    expect(lines.all[1]).toContain('inner');
  });
});
