import path from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { testCatalogue } from '../ground/real-ground.js';

const own = ['discord', 'slack', 'telegram', 'whatsapp'];
const bootstrap = path.join(import.meta.dirname, '..', '..', 'scripts', 'bootstrap');

/** What a release says of its plugins in a container like a gateway's, where npm and the network are out of reach. */
async function pluginsOf(release: string): Promise<readonly { id: string; origin: string; error?: string }[]> {
  const image = testCatalogue().find(({ version }) => version === release)?.image ?? '';
  const home = ['--tmpfs', '/tmp', '--tmpfs', '/home/node/.openclaw:uid=1000,gid=1000,mode=0700'];
  const run = ['run', '--rm', '--network', 'none', '--read-only', '--cap-drop', 'ALL', ...home, image];
  const { stdout } = await execa('docker', [...run, 'openclaw', 'plugins', 'list', '--json']);
  return JSON.parse(stdout.slice(stdout.indexOf('{'))).plugins;
}

describe.each(['2026.9.6', '2026.6.11'])('S0-16: the image of release %s', (release) => {
  test('has the plugin of every channel that a spec may name, as its own', async () => {
    if (release !== '2026.9.6') await execa(bootstrap, ['--quiet', '--release', release], { stdio: 'inherit' });
    const found = (await pluginsOf(release)).filter(({ id }) => own.includes(id));
    const facts = found.map(({ id, origin, error }) => [id, { origin, error }] as const);
    expect(Object.fromEntries(facts)).toEqual(Object.fromEntries(own.map((id) => [id, { origin: 'bundled' }])));
  });
});
