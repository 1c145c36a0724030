import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/domain/secret.js';
import type { DirectoryGround } from '../ground/directory-ground.js';
import { Keyboard } from '../ground/keyboard.js';
import { testRelease } from '../world/open-test-world.js';

/** `creel apply` as a person runs it, over twenty files, on a server and a directory world of its own. */
let keyboard: Keyboard;
let ground: DirectoryGround;
let customers: string;

const count = 20;
const nameOf = (index: number) => `c${String(index).padStart(2, '0')}`;

beforeAll(async () => {
  keyboard = await Keyboard.open();
  ({ ground } = keyboard);
  await ground.keepWorker();
  customers = path.join(ground.root, 'customers');
  fs.mkdirSync(customers);
  for (let index = 1; index <= count; index += 1) write(nameOf(index));
});

afterAll(() => keyboard.close());

function textOf(...lines: string[]): string {
  const release = lines.some((line) => line.startsWith('release')) ? [] : [`release = "${testRelease}"`];
  return [...release, 'dev = true', 'keep_state = "0"', ...lines].join('\n');
}

function write(name: string, ...lines: string[]): void {
  fs.writeFileSync(path.join(customers, `${name}.toml`), textOf(...lines));
}

const creel = (args: readonly string[], input?: string) => keyboard.creel(args, input);

const apply = (...args: string[]) => creel(['apply', '-f', customers, ...args]);

/** How many operations there ever were, as the server has them. */
async function operations(): Promise<number> {
  let found = 0;
  const client = await keyboard.stage.client();
  for await (const { workflowId } of client.workflow.list()) if (/\/\d+-[a-z-]+$/.test(workflowId)) found += 1;
  return found;
}

async function specOf(id: string): Promise<unknown> {
  const { stdout } = await creel(['describe', id, '--no-probe', '--json']);
  return JSON.parse(stdout).life.spec;
}

describe('creel apply', () => {
  it('begins nothing while one file of a directory is wrong, and tells every fault', async () => {
    write('broken', 'memory = "1 GB"', 'cpus = 0');
    const refused = await apply();
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toMatch(/broken\.toml, line 4: memory 1024 MB[^]*broken\.toml, line 5: spec cpus is 0/);
    fs.rmSync(path.join(customers, 'broken.toml'));
    expect(await operations()).toBe(0);
  });

  it('of twenty files twice is once', async () => {
    const dry = await apply('--dry-run', '--detailed-exitcode');
    expect(dry.stdout).toMatch(/^c01 \(.*c01\.toml\): new$[^]*^20 differ, 0 as they should be; nothing was touched$/m);
    expect(dry.exitCode).toBe(8);
    expect(await operations()).toBe(0);
    const made = await apply('--at-once', '10');
    expect(made.stderr).not.toContain('c01');
    expect(made.stdout).toMatch(/^c20: provision c20 \(operation 1\)$[^]*^✓ c20: done$[^]*^20 done$/m);
    expect(made.exitCode).toBe(0);
    const after = await operations();
    expect(after).toBe(count);
    const again = await apply('--at-once', '10');
    expect(again.stdout).toMatch(/^20 as it should be$/m);
    expect(again.exitCode).toBe(0);
    expect(await operations()).toBe(after);
    const same = await apply('--dry-run', '--detailed-exitcode', '--no-probe', '--json');
    expect(JSON.parse(same.stdout).gateways[0]).toMatchObject({ gateway: 'c01', acts: [], differences: [] });
    expect(same.exitCode).toBe(0);
  });

  it('of files that were edited in six ways does each by what fits, and once', async () => {
    await ground.world.deps.secrets.write('c03-telegram', new Secret(`123456789:${'A'.repeat(35)}`));
    write('c01', 'memory = "4 GB"');
    write('c02', 'rotation = "scheduled"', 'park_for = "1 hour"', 'disk = "20 GB"');
    write('c03', '[[channels]]', 'kind = "telegram"', 'bot_token = "secret:c03-telegram"', 'allow_from = ["5550001"]');
    write('c04', 'release = "2026.9.7"', 'cpus = 4');
    await ground.world.deps.secrets.write('c12-key', new Secret('sk-twelve'));
    write('c12', 'model = "anthropic/claude-opus-5"', '[[models]]', 'provider = "anthropic"', 'key = "secret:c12-key"');
    write('c21');
    const before = await operations();
    const dry = await apply('--dry-run');
    expect(dry.stdout).toMatch(
      /~ memory +"2 GB" → "4 GB"[^]*~ park_for[^]*~ channels +none → telegram[^]*~ release[^]*~ models +none → model = /,
    );
    expect(dry.stdout).toMatch(/^c05 .*as it should be, proved usable just now$[^]*^6 differ, 15 as they should be/m);
    expect(dry.exitCode).toBe(0);
    expect(await operations()).toBe(before);
    const changed = await apply();
    expect(changed.stdout).toMatch(/^15 as it should be, 6 done$/m);
    expect(changed.stdout).toMatch(/^c04 +done +2 upgrade, \d+ change$/m);
    expect(changed.exitCode).toBe(0);
    expect(await specOf('c01')).toMatchObject({ memoryMb: 4096 });
    expect(await specOf('c02')).toMatchObject({ rotation: 'scheduled', parkMs: 3_600_000, diskMb: 20_480 });
    expect(await specOf('c03')).toMatchObject({ channels: [{ kind: 'telegram', allowFrom: ['5550001'] }] });
    expect(await specOf('c04')).toMatchObject({ release: '2026.9.7', cpus: 4 });
    expect(await specOf('c12')).toMatchObject({ models: { default: 'anthropic/claude-opus-5' } });
    const done = await operations();
    expect((await apply('--no-probe')).stdout).toMatch(/^21 as it should be$/m);
    expect(await operations()).toBe(done);
  });

  it('of a file with [config] is given another, and is shown as it is rendered (S1-31)', async () => {
    const file = path.join(ground.root, 'c30.toml');
    const say = (...lines: string[]) => fs.writeFileSync(file, textOf(...lines));
    say();
    expect((await creel(['apply', '-f', file])).exitCode).toBe(0);
    say('[config.tools]', 'deny = ["browser"]');
    const dry = await creel(['apply', '-f', file, '--dry-run']);
    expect(dry.stdout).toMatch(/~ config +none → tools\.deny = \["browser"\]/);
    expect((await creel(['apply', '-f', file])).exitCode).toBe(0);
    expect(await specOf('c30')).toMatchObject({ config: { tools: { deny: ['browser'] } } });
    const shown = await creel(['describe', 'c30', '--config']);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      tools: { deny: ['browser'] },
      gateway: { auth: { token: '[secret]' } },
    });
    say('[config.session]', 'idleMinutes = 30');
    const changed = await creel(['change', 'c30', '--config', file]);
    expect(changed.stdout).toMatch(/✓ rehearse config[^]*✓ apply config/);
    expect(await specOf('c30')).toMatchObject({ config: { session: { idleMinutes: 30 } } });
    say('timezone = "Europe/Berlin"', '[environment]', 'COMPANY_NAME = "Example"');
    expect((await creel(['apply', '-f', file])).stdout).toMatch(/✓ c30: done/);
    const given = { timezone: 'Europe/Berlin', environment: { COMPANY_NAME: 'Example' } };
    expect(await specOf('c30')).toMatchObject(given);
    expect(await specOf('c30')).not.toHaveProperty('config');
    const planned = await creel(['change', 'c30', '--timezone', 'none', '--environment', file, '--dry-run']);
    expect(planned.stdout).toMatch(/new container +yes[^]*set aside · save state/);
    const moved = await creel(['change', 'c30', '--timezone', 'UTC']);
    expect(moved.stdout).toMatch(/✓ rehearse replacement[^]*✓ commit replacement/);
    expect(await specOf('c30')).toMatchObject({ ...given, timezone: 'UTC' });
    const renewed = await creel(['change', 'c30', '--renew']);
    expect(renewed.stdout).toMatch(/✓ rehearse replacement[^]*✓ commit replacement/);
    expect((await creel(['remove', 'c30'])).exitCode).toBe(0);
  });

  it('of a file whose [config] its release does not accept leaves nothing, and begins once it is mended', async () => {
    const file = path.join(ground.root, 'c31.toml');
    fs.writeFileSync(file, textOf('[config]', 'customerNotes = "x"'));
    const refused = await creel(['provision', 'c31', '-f', file]);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stdout + refused.stderr).toMatch(/does not accept the config of gateway c31: Unrecognized key/);
    fs.writeFileSync(file, textOf('[config.tools]', 'deny = ["browser"]'));
    expect((await creel(['provision', 'c31', '-f', file])).exitCode).toBe(0);
    expect((await creel(['remove', 'c31'])).exitCode).toBe(0);
  });

  it('goes on where it was interrupted, though the worker is killed in between: what runs is waited for, and not asked for again', async () => {
    write('c05', 'memory = "4 GB"');
    ground.interferences.set('ensureLimits', 'c05', 'hold before');
    const interrupted = creel(['apply', '-f', path.join(customers, 'c05.toml')]);
    const worker = await ground.interferences.held('ensureLimits', 'c05');
    interrupted.kill('SIGINT');
    const { exitCode, stderr } = await interrupted;
    expect(exitCode).toBe(130);
    expect(stderr).toContain('The same command again goes on from there');
    const before = await operations();
    const file = path.join(customers, 'c05.toml');
    expect((await creel(['apply', '-f', file, '--dry-run'])).stdout).toContain('operation 2 (change) is under way');
    const again = creel(['apply', '-f', file]);
    await once(again.stdout, 'data');
    process.kill(worker, 'SIGKILL');
    ground.interferences.clear('ensureLimits', 'c05');
    expect((await again).stdout).toMatch(/^1 as it should be$/m);
    expect(await operations()).toBe(before);
    expect(await specOf('c05')).toMatchObject({ memoryMb: 4096 });
  });

  it('names what failed, does the rest, and takes no gateway back to an older release', async () => {
    write('c06', 'release = "2026.9.8-crashes"');
    write('c07', 'cpus = 4');
    const failed = await apply('--no-probe');
    expect(failed.stdout).toMatch(/^✗ c06: FAILED: upgrade c06 \(operation 2\) ended undone: rehearse replacement/m);
    expect(failed.stdout).toMatch(/^✓ c07: done$/m);
    expect(failed.exitCode).toBe(4);
    write('c06');
    write('c04', 'cpus = 4');
    const before = await operations();
    const older = await apply('--no-probe');
    expect(older.stderr).toMatch(
      /nothing was begun[^]*c04 .*older than 2026\.9\.7.*`creel rollback c04` goes back to it/,
    );
    expect(older.exitCode).toBe(3);
    expect(await operations()).toBe(before);
    expect((await creel(['rollback', 'c04'])).exitCode).toBe(0);
    expect((await apply('--no-probe')).exitCode).toBe(0);
  });

  it('repairs what is not usable, though its file is what it was', async () => {
    const name = ground.world.engine.leftovers().find((each) => each.startsWith('container oc-c08-')) ?? '';
    const container = await ground.world.engine.findContainer(name.replace('container ', ''));
    await ground.world.engine.removeContainer(container?.id ?? '');
    const file = path.join(customers, 'c08.toml');
    expect((await creel(['apply', '-f', file, '--dry-run'])).stdout).toMatch(/c08 .*: repair$/m);
    const repaired = await creel(['apply', '-f', file, '--json']);
    const [begun, end, summary] = repaired.stdout.split('\n').map((line): unknown => JSON.parse(line));
    expect(begun).toMatchObject({ gateway: 'c08', begun: { kind: 'repair' } });
    expect(end).toMatchObject({ gateway: 'c08', end: 'done', operations: [{ kind: 'repair', outcome: 'done' }] });
    expect(summary).toEqual({ summary: { done: 1 } });
    expect((await creel(['describe', 'c08'])).exitCode).toBe(0);
  });

  it('takes one gateway from the standard input, by the id that it says', async () => {
    expect((await creel(['apply', '-f', '-'], textOf())).stderr).toContain('say the gateway in it');
    const made = await creel(['apply', '-f', '-'], textOf('id = "piped"'));
    expect(made.stdout).toMatch(/^✓ piped: done$/m);
    const other = await creel(['provision', 'other', '-f', '-', '--dry-run'], textOf('id = "piped"'));
    expect(other.stderr).toContain('id = "piped", and other was asked for');
    const dry = await creel(['provision', 'spare', '-f', '-', '--dry-run'], textOf('cpus = 3'));
    expect(dry.stdout).toContain('2048 MB without swap, 3 cpus');
  });

  it('leaves what is parked to a person, and goes on with it when it was answered', async () => {
    const file = path.join(ground.root, 'parks.toml');
    fs.writeFileSync(file, textOf('park_for = "1 hour"'));
    ground.interferences.set('probeChannels', 'parks', 'fail');
    const first = await creel(['apply', '-f', file]);
    const before = await operations();
    for (const { exitCode, stdout } of [first, await creel(['apply', '-f', file])]) {
      expect(stdout).toMatch(/^✗ parks: needs attention: .*parked \(1\.1\).*creel skip parks --park 1\.1/m);
      expect(exitCode).toBe(5);
    }
    ground.interferences.clear('probeChannels', 'parks');
    expect((await creel(['retry', 'parks', '--park', '1.1'])).exitCode).toBe(0);
    expect((await creel(['apply', '-f', file])).stdout).toMatch(/^1 as it should be$/m);
    expect(await operations()).toBe(before);
    expect((await creel(['remove', 'parks', '--dry-run'])).stdout).toMatch(/remove +volume oc-parks-\w+-state/);
    expect(await operations()).toBe(before);
    expect((await creel(['remove', 'parks'])).exitCode).toBe(0);
  });

  it('a file whose state is kept is refused with two ways, and each of them leads on', async () => {
    const file = path.join(ground.root, 'keeps.toml');
    fs.writeFileSync(file, `release = "${testRelease}"\ndev = true\n`);
    for (const way of [
      ['provision', 'keeps', '--restore'],
      ['remove', 'keeps', '--purge', '--yes=keeps'],
    ]) {
      expect((await creel(['apply', '-f', file])).exitCode).toBe(0);
      await creel(['remove', 'keeps']);
      const refused = await creel(['apply', '-f', file]);
      expect(refused.stderr).toContain(`\`creel ${way.slice(0, 3).join(' ')}\``);
      expect(refused.exitCode).toBe(3);
      expect((await creel(way)).exitCode).toBe(0);
    }
    expect((await creel(['apply', '-f', file, '--dry-run'])).stdout).toMatch(/^keeps .*: new$/m);
  });

  it('removes what is in no file only with its id typed', async () => {
    for (const name of ['c09', 'c10']) fs.rmSync(path.join(customers, `${name}.toml`));
    const before = await operations();
    const untyped = await apply('--prune', '--no-probe');
    expect(untyped.stderr).toContain('say --prune c09,c10,piped');
    expect(untyped.exitCode).toBe(2);
    const dry = await apply('--prune', '--no-probe', '--dry-run');
    expect(dry.stdout).toMatch(/^c09 \(in no file\): remove[^]*^--prune c09,c10,piped does it$/m);
    expect((await apply('--prune', 'c01', '--no-probe')).stderr).toMatch(/--prune names c01, and .*c01\.toml asks/);
    expect((await apply('--prune', 'c09,nobody', '--no-probe')).stderr).toContain('gateway nobody is unknown here');
    expect(await operations()).toBe(before);
    const pruned = await apply('--prune', 'c09,piped', '--no-probe');
    expect(pruned.stdout).toMatch(/^c09 +done +\d+ remove$/m);
    expect(pruned.exitCode).toBe(0);
    expect((await apply('--prune', 'c09,piped', '--no-probe')).exitCode).toBe(0);
    expect(ground.world.engine.leftovers().some((each) => /oc-(c09|piped)-/.test(each))).toBe(false);
    expect(ground.world.engine.leftovers().some((each) => each.includes('oc-c10-'))).toBe(true);
  });
});
