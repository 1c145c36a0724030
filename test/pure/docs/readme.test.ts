import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { exitHelp } from '../../../src/cli/exit.js';
import { provisionCommand } from '../../../src/cli/verbs/provision.js';
import { draftFromToml, specFrom } from '../../../src/settings/spec.js';
import { searchAttributeKeys } from '../../../src/wire/search-attributes.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const pages = ['README.md', 'docs/architecture.md', 'docs/runbook.md', 'docs/requirements.md'];

const textOf = (file: string) => readFileSync(path.join(root, file), 'utf8');

/** The rows of the table under a heading, each as its cells. */
function table(heading: string): string[][] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(1).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** Every match of a pattern's first group in a file, each once, sorted. */
function named(file: string, pattern: RegExp): string[] {
  const matches = readFileSync(path.join(root, file), 'utf8').matchAll(pattern);
  return [...new Set([...matches].map(([, group]) => group ?? ''))].toSorted();
}

describe('README.md', () => {
  test('lists exactly the settings that a worker reads', () => {
    const settings = table('Settings of a worker').map(([name = '']) => name.replaceAll('`', ''));
    expect(settings.toSorted()).toEqual(named('src/settings/config.ts', /\b(CREEL_[A-Z_]+)\b/g));
  });

  test('lists exactly the exit codes of the help, in its words', () => {
    const codes = table('Exit codes').map(([code, meaning]) => `${code}  ${meaning}`);
    expect(codes).toEqual(
      exitHelp
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.trim()),
    );
  });

  test('shows a gateway.toml that is taken', () => {
    const toml = /```toml\n(# gateway\.toml\n[^]*?)```/.exec(readme)?.[1] ?? '';
    const spec = specFrom(draftFromToml(toml, 'gateway.toml'));
    expect(spec).toMatchObject({ release: '2026.9.6', parkMs: 1_800_000, channels: [{ kind: 'telegram' }] });
    expect(spec.channels.flatMap(({ allowFrom }) => allowFrom)).toEqual([expect.stringMatching(/^\d+$/)]);
  });

  test('names what the compose file needs, and the binary and the image where bootstrap puts them', () => {
    const [, needed] = /Needs Docker Compose (\S+)/.exec(textOf('docker-compose.temporal.yml')) ?? [];
    expect(readme).toContain(`compose plugin, ${needed} or newer`);
    expect(textOf('scripts/machine/temporal.mjs')).toContain("cached = join(cacheDir, 'bin', 'temporal')");
    expect(readme).toContain('`~/.cache/creel/bin/temporal server start-dev');
    const [, release = ''] =
      /^ +scripts\/bootstrap --release (\S+)\n +npx creel release add \1 --image creel\/openclaw:\1 --dev$/m.exec(
        readme,
      ) ?? [];
    const options = provisionCommand().options.map(({ long }) => long);
    expect(options).toEqual(expect.arrayContaining(['--dev', '--release']));
    expect(specFrom(draftFromToml(`release = "${release}"\ndev = true`, 'gateway.toml'))).toMatchObject({ dev: true });
  });

  test('names every search attribute', () => {
    for (const { name } of searchAttributeKeys) expect(readme).toContain(`\`${name}\``);
  });

  test('names only scripts that there are', () => {
    const manifest: { scripts: Record<string, string> } = JSON.parse(
      readFileSync(path.join(root, 'package.json'), 'utf8'),
    );
    for (const script of named('README.md', /npm run ([a-z:]+)/g))
      expect(Object.keys(manifest.scripts)).toContain(script);
  });
});

describe.each(pages)('%s', (page) => {
  test('links only to files that there are', () => {
    const links = named(page, /\]\((?!https?:|#)([^)#]+)[^)]*\)/g);
    for (const link of links) expect(existsSync(path.resolve(root, path.dirname(page), link)), link).toBe(true);
  });

  test('links only to headings that there are', () => {
    const headings = named(page, /^#+ (.+)$/gm).map((heading) => heading.toLowerCase().replaceAll(' ', '-'));
    for (const anchor of named(page, /\]\(#([a-z-]+)\)/g)) expect(headings).toContain(anchor);
  });

  test('names only source files that there are', () => {
    for (const file of named(page, /`((?:src|test|image|scripts)\/[A-Za-z0-9./-]+)(?:\s[^`]*)?`/g)) {
      expect(existsSync(path.join(root, file)), file).toBe(true);
    }
  });
});
