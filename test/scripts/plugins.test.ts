import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Checkout } from './checkout.js';

let checkout: Checkout;
beforeEach(() => {
  checkout = new Checkout();
});
afterEach(() => checkout.remove());

const channels = ['discord', 'slack', 'whatsapp'];

type Locked = Record<string, { package: string; version: string; integrity: string; carries: string[] } | null>;

/** A package of a plugin as npm has it: with what it carries, for this platform and others. */
function publish(channel: string): string {
  const write = (name: string, content: object) => checkout.write(`published/package/${name}`, JSON.stringify(content));
  write('package.json', { name: `@openclaw/${channel}`, version: '1.0.0' });
  write('openclaw.plugin.json', { id: channel, channels: [channel] });
  write('node_modules/ws/package.json', { name: 'ws', version: '8.0.0' });
  write('node_modules/ws/node_modules/inner/package.json', { name: 'inner', version: '2.0.0' });
  const native = (name: string, about: object) =>
    write(`node_modules/@native/${name}/package.json`, { name: `@native/${name}`, version: '3.0.0', ...about });
  native('linux-x64', { os: ['linux'], cpu: ['x64'], libc: ['glibc'] });
  native('musl', { os: ['linux'], cpu: ['x64'], libc: ['musl'] });
  native('darwin', { os: 'darwin' });
  native('not-windows', { os: ['!win32'] });
  native('wasm', { cpu: ['wasm32'] });
  const archive = checkout.at('published', `${channel}.tgz`);
  execFileSync('tar', ['-czf', archive, '-C', checkout.at('published'), 'package']);
  fs.rmSync(checkout.at('published', 'package'), { recursive: true });
  return `sha512-${createHash('sha512').update(fs.readFileSync(archive)).digest('base64')}`;
}

/** An npm that has these packages; of the others it says what is given. */
function npm(has: Readonly<Record<string, string>>, otherwise = '{"error": {"code": "E404"}}'): void {
  const views = Object.entries(has).map(
    ([channel, integrity]) => `view*@openclaw/${channel}@1.0.0*) echo '"${integrity}"'; exit 0;;`,
  );
  checkout.program(
    'npm',
    `#!/bin/sh
case "$*" in
${views.join('\n')}
pack*) channel=\${2#@openclaw/}; channel=\${channel%@*}; for each; do case $each in --pack-destination=*) to=\${each#*=};; esac; done
  cp ${checkout.at('published')}/$channel.tgz "$to/"; exit 0;;
esac
echo '${otherwise}'; exit 1
`,
  );
}

const lock = (before = {}) =>
  checkout.ask(
    `import { mkdirSync } from 'node:fs';
     import { makeDirs } from './scripts/machine/dirs.mjs';
     import { lockPlugins } from './scripts/machine/plugins.mjs';
     makeDirs();
     mkdirSync('stage');
     console.log(JSON.stringify(await lockPlugins('1.0.0', process.cwd() + '/stage', ${JSON.stringify(before)})));`,
  ) as Promise<Locked>;

const layOut = (locked: Locked) =>
  checkout.ask(
    `import { mkdirSync } from 'node:fs';
     import { layOutPlugins } from './scripts/machine/plugins.mjs';
     const stage = process.cwd() + '/laid';
     mkdirSync(stage);
     await layOutPlugins(${JSON.stringify(locked)}, { root: stage + '/root', stage, arch: 'x64' });
     console.log('"laid out"');`,
  );

describe('the plugins of an image', () => {
  it('are those of every channel that has one of its own, at the gateway’s version, with the hash of each (S0-16)', () => {
    for (const release of ['2026.9.6', '2026.6.11']) {
      const locked = JSON.parse(fs.readFileSync(path.join('image', release, 'plugins-lock.json'), 'utf8')) as Locked;
      expect(Object.keys(locked)).toEqual(channels);
      for (const [channel, plugin] of Object.entries(locked)) {
        expect(plugin).toMatchObject({ package: `@openclaw/${channel}`, version: release });
        expect(plugin?.integrity).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
        expect(plugin?.carries.length).toBeGreaterThan(10);
      }
    }
  });

  it('are locked with what they carry; one that npm does not have is left out, and asked for again', async () => {
    const discord = publish('discord');
    npm({ discord });
    const locked = await lock();
    expect(locked).toMatchObject({
      discord: { package: '@openclaw/discord', version: '1.0.0', integrity: discord },
      slack: null,
      whatsapp: null,
    });
    expect(locked['discord']?.carries).toContain('inner@2.0.0');
    npm({ slack: publish('slack') });
    fs.rmSync(checkout.at('stage'), { recursive: true });
    const later = await lock(locked);
    expect(later['discord']).toEqual(locked['discord']);
    expect(later).toMatchObject({ slack: { version: '1.0.0' }, whatsapp: null });
  });

  it('are not left out because a registry does not answer', async () => {
    npm({}, '{"error": {"code": "ECONNREFUSED"}}');
    await expect(lock()).rejects.toThrow(/registry does not say whether it has @openclaw\/.*ECONNREFUSED/);
  });

  it('lie beside the gateway’s own, what they need outside and linked, and nothing for another platform', async () => {
    npm({ discord: publish('discord') });
    await layOut(await lock());
    const plugin = checkout.at('laid/root/app/dist/extensions/discord');
    expect(fs.readdirSync(plugin).toSorted()).toEqual(['node_modules', 'openclaw.plugin.json', 'package.json']);
    expect(fs.readlinkSync(path.join(plugin, 'node_modules'))).toBe('/opt/openclaw-plugin-deps/discord/node_modules');
    const needs = checkout.at('laid/root/opt/openclaw-plugin-deps/discord/node_modules');
    expect(fs.existsSync(path.join(needs, 'ws/node_modules/inner/package.json'))).toBe(true);
    expect(fs.readdirSync(path.join(needs, '@native')).toSorted()).toEqual(['linux-x64', 'not-windows']);
    expect(fs.existsSync(checkout.at('laid/root/app/dist/extensions/slack'))).toBe(false);
  });

  it('are refused when npm gives another package than is locked', async () => {
    npm({ discord: publish('discord') });
    const locked = await lock();
    fs.appendFileSync(checkout.at('published/discord.tgz'), 'x');
    await expect(layOut(locked)).rejects.toThrow(/another @openclaw\/discord@1\.0\.0 than is locked/);
  });

  it('are part of what an image is known by, and of the list of its parts', async () => {
    const hash = () =>
      checkout.ask(
        `import { Recipe } from './scripts/machine/recipe.mjs';
         console.log(JSON.stringify(new Recipe('2026.9.6').hashes('x64')));`,
      );
    const [before, file] = [await hash(), checkout.at('image/2026.9.6/plugins-lock.json')];
    const text = fs.readFileSync(file, 'utf8');
    fs.writeFileSync(file, text.replace('sha512-', 'sha512-A'));
    expect(await hash()).not.toEqual(before);
    const parts = await checkout.ask(
      `import { pluginComponents, lockedPlugins } from './scripts/machine/plugins.mjs';
       console.log(JSON.stringify(pluginComponents(lockedPlugins('image/2026.6.11'))));`,
    );
    expect(parts).toMatchObject([
      { name: '@openclaw/discord', version: '2026.6.11', purl: 'pkg:npm/%40openclaw/discord@2026.6.11' },
      {
        name: '@openclaw/slack',
        components: expect.arrayContaining([expect.objectContaining({ name: '@slack/bolt' })]),
      },
      { name: '@openclaw/whatsapp' },
    ]);
  });
});
