import { execFileSync, spawnSync } from 'node:child_process';
import { Argument, Command, Option } from '@commander-js/extra-typings';
import { describe, expect, test } from 'vitest';
import { bashCompletion } from '../../../src/cli/completion/bash.js';
import { fishCompletion } from '../../../src/cli/completion/fish.js';
import { places } from '../../../src/cli/completion/words.js';
import { zshCompletion } from '../../../src/cli/completion/zsh.js';
import { program } from '../../../src/cli/program.js';

const all = places(program());

/** What each shell offers after these words, by the shell itself. */
const shells = {
  bash: (words: readonly string[]) => {
    const given = words.map((word) => `'${word}'`).join(' ');
    return `${bashCompletion(all)}
      COMP_WORDS=(creel ${given}); COMP_CWORD=${words.length}; _creel; printf '%s\\n' "\${COMPREPLY[@]}"`;
  },
  zsh: (words: readonly string[]) => {
    const given = words.map((word) => `'${word}'`).join(' ');
    return `compdef() { }
      _describe() { for each in "\${(@P)2}"; do [[ $each == "\${words[CURRENT]}"* ]] && print -r -- "\${each%%:*}"; done }
      compadd() { shift; print -rl -- "$@" }
      _files() { print -rl -- *(N) }
      ${zshCompletion(all)}
      words=(creel ${given}); CURRENT=${words.length + 1}; _creel || true`;
  },
  fish: (words: readonly string[]) => `${fishCompletion(all)}\ncomplete -C "creel ${words.join(' ')}"`,
};

function offered(shell: keyof typeof shells, words: readonly string[]): string[] {
  const bare = { bash: ['--norc', '--noprofile'], zsh: ['-f'], fish: ['--no-config'] }[shell];
  const said = execFileSync(shell, [...bare, '-c', shells[shell](words)], { encoding: 'utf8' });
  return said.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0] ?? '']));
}

/** Bash is on every machine that runs these tests; the others where somebody uses them. */
const here = (['bash', 'zsh', 'fish'] as const).filter((shell) => !spawnSync(shell, ['--version']).error);

test('bash is here', () => {
  expect(here).toContain('bash');
});

describe.each(here)('%s, which has sourced what it is given, completes', (shell) => {
  test('every command of the program', () => {
    const names = program().commands.map((each) => each.name());
    expect(offered(shell, ['']).toSorted()).toEqual([...names, 'help'].toSorted());
    expect(offered(shell, ['li'])).toEqual(['list']);
  });

  test('the commands of a command', () => {
    expect(offered(shell, ['fleet', '']).toSorted()).toEqual(['abort', 'help', 'pause', 'resume', 'status']);
    expect(offered(shell, ['completion', '']).toSorted()).toEqual(['bash', 'fish', 'zsh']);
  });

  test('the options of exactly the command that is typed', () => {
    expect(offered(shell, ['list', '--ph'])).toEqual(['--phase']);
    expect(offered(shell, ['secret', 'set', '--ph'])).toEqual([]);
    expect(offered(shell, ['remove', 'g42', '--pur'])).toEqual(['--purge']);
  });

  test('the choices of an option, files where it takes one, and nothing where only you can know', () => {
    expect(offered(shell, ['provision', 'g42', '--rotation', ''])).toEqual(['manual', 'scheduled']);
    expect(offered(shell, ['provision', 'g42', '-f', ''])).toContain('package.json');
    expect(offered(shell, ['provision', 'g42', '--birth', ''])).toEqual([]);
  });
});

describe('a small program', () => {
  const small = new Command('creel').description('a small one').exitOverride();
  small
    .command('say')
    .description("it's said: aloud")
    .addArgument(new Argument('<how>').choices(['loud']))
    .addOption(new Option('--in <language>', 'in what').choices(['latin', 'greek']))
    .option('-f, --file <words.toml>', 'what');

  test.each([
    ['zsh', zshCompletion],
    ['fish', fishCompletion],
  ])('has a completion for %s', async (shell, completion) => {
    await expect(completion(places(small))).toMatchFileSnapshot(`completion.${shell}.golden.txt`);
  });
});
