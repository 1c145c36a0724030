import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tellServed } from '../../src/client/deployment/engines.js';
import { Secret } from '../../src/domain/secret.js';
import { taskQueue } from '../../src/wire/ids.js';
import { DirectoryGround } from '../ground/directory-ground.js';
import { Keyboard } from '../ground/keyboard.js';
import { engineIdAt } from '../world/directory-engine.js';
import { testRelease } from '../world/open-test-world.js';

/** Dry runs as a person types them: each is told what the real run is told, and nothing is begun. */
let keyboard: Keyboard;
beforeAll(async () => {
  keyboard = await Keyboard.open();
  await keyboard.ground.startWorker();
});
afterAll(() => keyboard.close());

const anthropic = (key: string) => [
  'model = "anthropic/claude-opus-5"',
  '[[models]]',
  'provider = "anthropic"',
  `key = "secret:${key}"`,
];
const telegram = (token: string) => [
  '[[channels]]',
  'kind = "telegram"',
  `bot_token = "secret:${token}"`,
  'allow_from = ["5550001"]',
];

function write(name: string, ...lines: string[]): string {
  const file = path.join(keyboard.ground.root, `${name}.toml`);
  const release = lines.some((line) => line.startsWith('release')) ? [] : [`release = "${testRelease}"`];
  fs.writeFileSync(file, [...release, 'dev = true', 'keep_state = "0"', ...lines].join('\n'));
  return file;
}

/** How many operations there ever were. */
async function operations(): Promise<number> {
  let found = 0;
  const client = await keyboard.stage.client();
  for await (const { workflowId } of client.workflow.list()) if (/\/\d+-[a-z-]+$/.test(workflowId)) found += 1;
  return found;
}

/** The dry run is refused in these words and begins nothing; the real run comes to the same. */
async function expectRefused(args: readonly string[], ...words: string[]): Promise<void> {
  const before = await operations();
  const dry = await keyboard.creel([...args, '--dry-run']);
  expect(await operations(), dry.stdout).toBe(before);
  const real = await keyboard.creel(args);
  for (const word of words) {
    expect(`${dry.stdout}${dry.stderr}`).toContain(word);
    expect(`${real.stdout}${real.stderr}`).toContain(word);
  }
  expect(dry.exitCode, dry.stdout).toBe(3);
  expect([3, 4]).toContain(real.exitCode);
}

const missing = (name: string) => `no secret named ${name} is stored`;

describe('a dry run', () => {
  it('of a new gateway is refused by catalogue and secret store as the provision is', async () => {
    const other = write('other', 'release = "2026.9.99"');
    await expectRefused(['provision', 'fresh', '-f', other], "release 2026.9.99 is not in this worker's catalogue");
    await expectRefused(['provision', 'fresh', '-f', write('fresh', ...anthropic('nowhere'))], missing('nowhere'));
    await expectRefused(['provision', 'fresh', '-f', write('fresh', ...telegram('nobot'))], missing('nobot'));
    const plain = await keyboard.creel(['provision', 'fresh', '-f', write('fresh'), '--dry-run']);
    expect(plain).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/would make[^]*\n\nnothing was touched$/),
    });
  });

  it('that can ask nobody says so, and shows what the spec says', async () => {
    const alone = await keyboard.creel(['provision', 'fresh', '-f', write('fresh'), '--dry-run'], '', {
      TEMPORAL_ADDRESS: '127.0.0.1:9',
    });
    expect(alone.exitCode).toBe(0);
    expect(alone.stdout).toMatch(/would make[^]*held against no record.*Temporal does not answer at 127\.0\.0\.1:9/);
  });

  it('of a provision over a gateway that lives says what it is, or that it has another spec', async () => {
    expect((await keyboard.creel(['provision', 'lives', '-f', write('lives')])).exitCode).toBe(0);
    await expectRefused(
      ['provision', 'lives', '-f', write('lives', 'cpus = 4')],
      'lives exists with another spec (cpus:',
    );
    const repair = await keyboard.creel(['provision', 'lives', '--dry-run']);
    expect(repair.stdout).toMatch(/^provision lives would repair it: it lives \(ready, birth \w{6}\)[^]*cpus +2/);
    const json = await keyboard.creel(['provision', 'lives', '-f', write('lives'), '--dry-run', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ gateway: 'lives', repair: true });
  });

  it('of a change is refused by the record, the catalogue and the secret store as the change is', async () => {
    await expectRefused(['upgrade', 'lives', '--release', '2026.6.11'], 'is older than 2026.9.6');
    await expectRefused(['upgrade', 'lives', '--release', '2026.9.99'], 'release 2026.9.99 is not in');
    await expectRefused(['rollback', 'lives'], 'no earlier release is kept');
    await expectRefused(['change', 'lives', '--models', write('m', ...anthropic('nowhere'))], missing('nowhere'));
    await expectRefused(['change', 'lives', '--channels', write('c', ...telegram('nobot'))], missing('nobot'));
    expect((await keyboard.creel(['change', 'lives', '--cpus', '4', '--dry-run'])).exitCode).toBe(0);
    const gone = await keyboard.creel(['remove', 'lives', '--gone', 'elsewhere', '--dry-run']);
    expect(gone).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('not elsewhere') });
  });

  it('of an apply tells all that its files are refused for, and so does the apply, before it begins anything', async () => {
    const files = path.join(keyboard.ground.root, 'fleet');
    fs.mkdirSync(files);
    const into = (name: string, ...lines: string[]) =>
      fs.renameSync(write(name, ...lines), path.join(files, `${name}.toml`));
    into('lives', ...anthropic('nowhere'), ...telegram('nobot'));
    into('new', 'release = "2026.9.99"');
    into('well');
    const before = await operations();
    await expectRefused(['apply', '-f', files], missing('nowhere'), missing('nobot'), 'release 2026.9.99 is not in');
    expect(await operations()).toBe(before);
    into('new');
    into('lives');
    expect((await keyboard.creel(['apply', '-f', files])).exitCode).toBe(0);
  });

  it('leads to what the messages say: the secret is stored, and the same command goes on', async () => {
    const file = write('m', ...anthropic('nowhere'));
    await keyboard.creel(['secret', 'set', 'nowhere'], 'sk-there');
    await keyboard.ground.world.deps.secrets.write('nowhere', new Secret('sk-there')); // Where the world's workers look.
    const dry = await keyboard.creel(['change', 'lives', '--models', file, '--dry-run']);
    expect(dry).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('model anthropic/claude-opus-5') });
    expect((await keyboard.creel(['change', 'lives', '--models', file])).exitCode).toBe(0);
  });
});

describe('a dry run where a gateway may begin on any of two machines', () => {
  it('is held against the workers of both, whichever answers, and says where it would be refused', async () => {
    const other = new DirectoryGround(keyboard.ground.server, taskQueue);
    try {
      await other.startWorker();
      const client = await keyboard.stage.client();
      const [here, there] = [keyboard.ground, other].map(({ root }) => engineIdAt(root));
      await tellServed(client, { engine: here ?? '', host: 'm1' });
      await tellServed(client, { engine: there ?? '', host: 'm2' });
      await other.world.deps.secrets.write('only-there', new Secret('sk-there'));
      const file = write('either', ...anthropic('only-there'));
      const said = new RegExp(
        `on m1 \\(engine ${here}\\): ${missing('only-there')}.*On m2 it is not so: \`creel provision --engine ${there}\` begins it there`,
      );
      for (let count = 0; count < 4; count += 1) {
        const dry = await keyboard.creel(['provision', 'either', '-f', file, '--dry-run']);
        expect(dry.stderr).toMatch(said);
        expect(dry.exitCode).toBe(3);
      }
      const applied = await keyboard.creel(['apply', '-f', file, '--dry-run']);
      expect(`${applied.stdout}${applied.stderr}`).toMatch(said);
      const begun = ['provision', 'either', '-f', file, '--engine', there ?? ''];
      expect(await keyboard.creel([...begun, '--dry-run'])).toMatchObject({ exitCode: 0 });
    } finally {
      await other.close();
    }
  });
});
