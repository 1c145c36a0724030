import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../../src/domain/secret.js';
import { Keyboard } from '../../ground/keyboard.js';
import { testRelease } from '../../world/open-test-world.js';

/** `creel secret` as the worker's user types it, beside gateways of a directory world. */
let keyboard: Keyboard;
beforeAll(async () => {
  keyboard = await Keyboard.open();
});
afterAll(() => keyboard.close());

const token = `123456789:${'A'.repeat(35)}`;

/** A spec with one Telegram channel, or with none. */
function specFile(secret?: string): string {
  const file = path.join(keyboard.ground.root, `${secret ?? 'none'}.toml`);
  const channel = `[[channels]]\nkind = "telegram"\nbot_token = "secret:${secret}"\nallow_from = ["5550001"]\n`;
  fs.writeFileSync(file, `release = "${testRelease}"\ndev = true\n${secret === undefined ? '' : channel}`);
  return file;
}

describe('a stored secret', () => {
  it('cannot be removed while no worker asks the gateways', async () => {
    await keyboard.creel(['secret', 'set', 'lone'], token);
    await keyboard.creel(['provision', 'early', '--release', testRelease, '--dev', '--detach']);
    const removed = await keyboard.creel(['secret', 'rm', 'lone']);
    expect(removed.exitCode).toBe(7);
    expect((await keyboard.creel(['secret', 'list'])).stdout).toBe('lone');
    const unknown = await keyboard.creel(['secret', 'rm', 'unknown']); // Nobody has to be asked for that.
    expect(unknown).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('no secret named unknown') });
  });

  it('is removed when no gateway names it: of one that lives, or whose state is kept', async () => {
    await keyboard.ground.startWorker();
    await keyboard.ground.world.deps.secrets.write('bot', new Secret(token)); // Where the world's workers look.
    await keyboard.creel(['secret', 'set', 'bot'], token);
    expect((await keyboard.creel(['provision', 'named', '-f', specFile('bot')])).exitCode).toBe(0);
    const users = await keyboard.creel(['secret', 'list', '--users', '--json']);
    expect(JSON.parse(users.stdout)).toEqual([
      { name: 'bot', stored: true, users: ['named'] },
      { name: 'lone', stored: true, users: [] },
    ]);
    const refused = await keyboard.creel(['secret', 'rm', 'bot']);
    expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('bot is named by named: nothing') });
    expect((await keyboard.creel(['secret', 'set', 'bot'], token)).stdout).toContain(
      'named names it in its channels: `creel change named --channels gateway.toml` takes it up',
    );
    await keyboard.creel(['remove', 'named']);
    const kept = await keyboard.creel(['secret', 'rm', 'bot']);
    expect(kept).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('`creel remove named --purge` lets it'),
    });
    expect(kept.stderr).not.toContain('creel change');
    expect((await keyboard.creel(['secret', 'set', 'bot'], token)).stdout).toContain(
      '`creel provision named --restore`',
    );
    await keyboard.creel(['provision', 'named', '--restore']);
    const changed = await keyboard.creel(['change', 'named', '--channels', specFile()]);
    expect(changed.exitCode).toBe(0);
    expect((await keyboard.creel(['secret', 'list', '--users'])).stdout).toMatch(/^bot {2}named by nobody$/m);
    await keyboard.creel(['change', 'named', '--channels', specFile('bot')]);
    const purged = await keyboard.creel(['remove', 'named', '--purge', '--yes=named']);
    expect(purged.stdout).toContain('no gateway names the secret bot any more: `creel secret rm bot` removes it');
    expect(await keyboard.creel(['secret', 'rm', 'bot'])).toMatchObject({ exitCode: 0, stdout: 'Removed bot.' });
    expect((await keyboard.creel(['secret', 'list'])).stdout).toBe('lone');
    expect(await keyboard.creel(['secret', 'rm', 'bot'])).toMatchObject({ exitCode: 3 });
    const again = await keyboard.creel(['provision', 'named', '--detach']);
    expect(again.stderr).toMatch(/named was removed, and begins again as it was on record: .*bot_token = "secret:bot"/);
    await keyboard.creel(['remove', 'named', '--purge', '--yes=named']);
  });

  it('of a change that runs or waits is not removed under it', async () => {
    await keyboard.ground.world.deps.secrets.write('next', new Secret(`${token.slice(0, -1)}C`));
    await keyboard.creel(['secret', 'set', 'next'], token);
    expect((await keyboard.creel(['provision', 'going', '-f', specFile()])).exitCode).toBe(0);
    keyboard.ground.interferences.set('ensureChannels', 'going', 'hold before');
    await keyboard.creel(['change', 'going', '--channels', specFile('next'), '--detach']);
    await keyboard.ground.interferences.held('ensureChannels', 'going');
    const refused = await keyboard.creel(['secret', 'rm', 'next']);
    expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('What runs or waits for going') });
    keyboard.ground.interferences.clear('ensureChannels', 'going');
  });

  it('that is the key of a model is taken out of the models, and can be removed then', async () => {
    await keyboard.ground.world.deps.secrets.write('model-key', new Secret('sk-model-key'));
    await keyboard.creel(['secret', 'set', 'model-key'], 'sk-model-key');
    const file = path.join(keyboard.ground.root, 'models.toml');
    const models = `model = "proxy/m"\nprove_turn = false\n[[models]]\nprovider = "proxy"\nkey = "secret:model-key"\nbase_url = "http://proxy:1/v1"\nnames = ["m"]\n`;
    fs.writeFileSync(file, `release = "${testRelease}"\ndev = true\n${models}`);
    expect((await keyboard.creel(['provision', 'modelled', '-f', file])).exitCode).toBe(0);
    expect((await keyboard.creel(['secret', 'rm', 'model-key'])).stderr).toContain('model-key is named by modelled');
    expect((await keyboard.creel(['change', 'modelled', '--models', specFile()])).exitCode).toBe(0);
    expect((await keyboard.creel(['secret', 'rm', 'model-key'])).exitCode).toBe(0);
  });

  it('that is named and was never stored is listed as missing', async () => {
    await keyboard.ground.world.deps.secrets.write('elsewhere', new Secret(`${token.slice(0, -1)}B`));
    await keyboard.creel(['provision', 'far', '-f', specFile('elsewhere')]);
    expect((await keyboard.creel(['secret', 'list', '--users'])).stdout).toContain(
      'elsewhere  NOT STORED, named by far',
    );
  });

  it('that only the release before needs, to which a rollback goes back, is still named', async () => {
    await keyboard.creel(['upgrade', 'far', '--release', '2026.9.7', '--dev']);
    expect((await keyboard.creel(['change', 'far', '--channels', specFile()])).exitCode).toBe(0);
    expect((await keyboard.creel(['secret', 'list', '--users'])).stdout).toContain(
      'elsewhere  NOT STORED, named by far',
    );
  });
});
