import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../../src/domain/secret.js';
import { Keyboard } from '../../ground/keyboard.js';
import { DirectoryGateway } from '../../world/directory-gateway.js';
import { testRelease } from '../../world/open-test-world.js';

/** `creel secret rotate` as the worker's user types it, beside gateways of a directory world whose worker reads the same file. */
let keyboard: Keyboard;
beforeAll(async () => {
  keyboard = await Keyboard.open();
});
afterAll(() => {
  delete process.env['TEST_SECRETS'];
  return keyboard.close();
});

const creel = (args: readonly string[], input?: string) => keyboard.creel(args, input);
const rotate = (input: string | undefined, ...args: string[]) => creel(['secret', 'rotate', 'shared', ...args], input);

function specFile(...lines: string[]): string {
  const file = path.join(keyboard.ground.root, 'spec.toml');
  fs.writeFileSync(file, [`release = "${testRelease}"`, 'dev = true', 'keep_state = "0"', ...lines].join('\n'));
  return file;
}

const modelled = ['model = "anthropic/claude-opus-5"', '[[models]]', 'provider = "anthropic"', 'key = "secret:shared"'];
const chatty = ['[[channels]]', 'kind = "telegram"', 'bot_token = "secret:bot"', 'allow_from = ["5550001"]'];

/** The key with which a gateway asks its provider now. */
async function keyOf(id: string): Promise<string | undefined> {
  const { stdout } = await creel(['describe', id, '--no-probe', '--json']);
  const names = keyboard.ground.world.namesOf(JSON.parse(stdout).life);
  return DirectoryGateway.within(keyboard.ground.root, names.container).modelKeys['anthropic'];
}

/** How many operations there ever were, as the server has them. */
async function operations(): Promise<number> {
  let found = 0;
  const client = await keyboard.stage.client();
  for await (const { workflowId } of client.workflow.list()) if (/\/\d+-[a-z-]+$/.test(workflowId)) found += 1;
  return found;
}

describe('another value of a secret', () => {
  it('is not stored while the worker of a gateway reads secrets of its own', async () => {
    await keyboard.ground.startWorker();
    await keyboard.ground.world.deps.secrets.write('shared', new Secret('sk-elsewhere'));
    await creel(['secret', 'set', 'shared'], 'sk-one');
    expect((await creel(['provision', 'far', '-f', specFile(...modelled)])).exitCode).toBe(0);
    const refused = await rotate('sk-two');
    expect(refused).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/far: the worker .* has secrets of its own/),
    });
    const left = await rotate('sk-two', '--without', 'far');
    expect(left).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('Stored shared. No gateway that runs names'),
    });
    expect(await keyOf('far')).toBe('sk-elsewhere');
    expect((await creel(['remove', 'far'])).exitCode).toBe(0);
    await keyboard.ground.killWorkers();
    process.env['TEST_SECRETS'] = 'file';
    await keyboard.ground.keepWorker();
    await creel(['secret', 'set', 'shared'], 'sk-one');
  });

  it('is shown by a dry run with who takes it up, how, and for how long each is silent', async () => {
    for (const id of ['a1', 'a2'])
      expect((await creel(['provision', id, '-f', specFile(...modelled)])).exitCode).toBe(0);
    expect((await creel(['provision', 'other', '-f', specFile()])).exitCode).toBe(0);
    const before = await operations();
    const dry = await rotate(undefined, '--dry-run');
    expect(dry.stdout).toMatch(
      /^a1: change\n {2}the models go into .*\n {2}silent for 0 s, where its release takes this up[^]*^a2: change[^]*^2 gateways take another shared up; nothing was stored/m,
    );
    expect(dry).toMatchObject({ exitCode: 0, stdout: expect.not.stringMatching(/^other:/m) });
    const json = JSON.parse((await rotate(undefined, '--dry-run', '--json')).stdout);
    expect(json.gateways).toMatchObject([
      { gateway: 'a1', ways: ['models by the gateway'], refused: [] },
      { gateway: 'a2' },
    ]);
    expect(await operations()).toBe(before);
  });

  it('that cannot be what it is used for is refused before the one that works is gone', async () => {
    const before = await operations();
    expect(await rotate('not a key')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/Nothing was stored\n {2}a1: provider anthropic: no key .*\n {2}a2: /),
    });
    expect(await rotate('sk-x', '--without', 'other')).toMatchObject({ exitCode: 2 });
    expect(await rotate('', '--at-once', '0')).toMatchObject({ exitCode: 2 });
    expect((await creel(['secret', 'rotate', 'unknown', '--stored'])).exitCode).toBe(3);
    const unchanged = await rotate('sk-one');
    expect(unchanged.stdout).toContain('shared is stored already, with that value');
    expect(await operations()).toBe(before + 2);
  });

  it('is taken up by every gateway that names it, each proved, and once (S3-9)', async () => {
    const before = await operations();
    const rotated = await rotate('sk-two', '--at-once', '1');
    expect(rotated.stdout).toMatch(/^Stored shared\.$[^]*^✓ a1: done$[^]*^✓ a2: done$[^]*^2 done$/m);
    expect(rotated.exitCode).toBe(0);
    expect([await keyOf('a1'), await keyOf('a2')]).toEqual(['sk-two', 'sk-two']);
    expect(await operations()).toBe(before + 2);
    for (const again of [await rotate('sk-two'), await rotate(undefined, '--stored')])
      expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^2 as it should be$/m) });
    expect(await operations()).toBe(before + 2);
  });

  it('with which nobody is answered leaves each with the key that it had, named, and a right one mends it', async () => {
    const refused = await rotate('sk-REFUSED');
    expect(refused.stdout).toMatch(/^✗ a1: FAILED: .*refuses the key[^]*^2 FAILED$/m);
    expect(refused.stdout).toContain('The former shared is stored no more');
    expect(refused.exitCode).toBe(4);
    expect([await keyOf('a1'), await keyOf('a2')]).toEqual(['sk-two', 'sk-two']);
    expect((await creel(['provision', 'a1'])).exitCode).toBe(0);
    expect(await keyOf('a1')).toBe('sk-two');
    expect((await rotate(undefined, '--stored', '--without', 'a2')).exitCode).toBe(4);
    expect((await rotate('sk-four')).stdout).toMatch(/^2 done$/m);
    expect([await keyOf('a1'), await keyOf('a2')]).toEqual(['sk-four', 'sk-four']);
  });

  it('is not stored while an operation of one gateway waits for a person, unless that one is left out', async () => {
    keyboard.ground.interferences.set('probeChannels', 'parks', 'fail');
    await creel(['provision', 'parks', '-f', specFile('park_for = "1 hour"', ...modelled)]);
    const refused = await rotate('sk-five');
    expect(refused).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/nothing was stored or begun[^]*parks: it is parked \(1\.1\)[^]*--without parks/),
    });
    expect((await rotate(undefined, '--dry-run')).exitCode).toBe(3);
    expect(await rotate('sk-four', '--without', 'parks')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('shared is stored already'),
    });
    expect((await rotate('sk-five', '--without', 'parks')).stdout).toMatch(/^2 done$/m);
    keyboard.ground.interferences.clear('probeChannels', 'parks');
    expect((await creel(['retry', 'parks', '--park', '1.1'])).exitCode).toBe(0);
    expect((await rotate(undefined, '--stored')).stdout).toMatch(/^2 as it should be, 1 done$/m);
    expect(await keyOf('parks')).toBe('sk-five');
  });

  it('of a channel is taken up by a change of its channels, and by a gateway that just comes to name it', async () => {
    await creel(['secret', 'set', 'bot'], `123456789:${'A'.repeat(35)}`);
    expect((await creel(['provision', 'c1', '-f', specFile(...chatty)])).exitCode).toBe(0);
    const wrong = await creel(['secret', 'rotate', 'bot'], 'no token');
    expect(wrong.stderr).toContain('c1: channel telegram: no bot_token (expected 123456789:<35 letters>)');
    keyboard.ground.interferences.set('ensureLimits', 'c1', 'hold before');
    await creel(['change', 'c1', '--memory', '3 GB', '--detach']);
    await keyboard.ground.interferences.held('ensureLimits', 'c1');
    const rotating = creel(['secret', 'rotate', 'bot'], `123456789:${'B'.repeat(35)}`);
    keyboard.ground.interferences.clear('ensureLimits', 'c1');
    expect((await rotating).stdout).toMatch(/^✓ c1: done$/m);
  });

  it('is left for later by a gateway that is suspended, with the reason, and is in force when that is resumed', async () => {
    expect((await creel(['suspend', 'a1', '--reason', 'unpaid'])).exitCode).toBe(0);
    const why = /a1: skipped: a1 is suspended since \S+Z \(unpaid\)\. `creel resume a1`/;
    const dry = await rotate(undefined, '--dry-run');
    expect(dry).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(why) });
    expect(dry.stdout).toMatch(/^2 gateways take another shared up/m);
    const rotated = await rotate('sk-late');
    expect(rotated, rotated.stdout + rotated.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(why) });
    expect(rotated.stdout).toContain('a1: `creel resume a1` takes the stored shared up');
    expect(await keyOf('a2')).toBe('sk-late');
    expect((await creel(['resume', 'a1'])).exitCode).toBe(0);
    expect(await keyOf('a1')).toBe('sk-late');
  });

  // The last: what is asked of a gateway after a lost attempt waits until none of it can land any more.
  it('whose command and worker were killed is taken up by the same command, and by nobody twice', async () => {
    const before = await operations();
    keyboard.ground.interferences.set('ensureModels', 'a2', 'hold before');
    const killed = rotate('sk-six');
    const worker = await keyboard.ground.interferences.held('ensureModels', 'a2');
    killed.kill('SIGKILL');
    process.kill(worker, 'SIGKILL');
    await killed;
    keyboard.ground.interferences.clear('ensureModels', 'a2');
    const again = await rotate('sk-six', '--json');
    expect(again.exitCode, again.stdout).toBe(0);
    const lines = again.stdout.split('\n').map((line): unknown => JSON.parse(line));
    expect(lines[0]).toEqual({ secret: 'shared', stored: false });
    expect(lines.at(-1)).toMatchObject({ summary: expect.anything() });
    expect([await keyOf('a1'), await keyOf('a2')]).toEqual(['sk-six', 'sk-six']);
    expect(await operations()).toBe(before + 3);
  });
});
