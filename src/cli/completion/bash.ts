import { quoted, type Place } from './words.js';

/** The completion of a program for bash, to be sourced. */
export function bashCompletion(all: readonly Place[]): string {
  return `# bash completion of creel. To have it in every shell: creel completion bash > ~/.local/share/bash-completion/completions/creel
_creel() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} at=creel i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
${all
  .slice(1)
  .map(({ typed }) => `      ${quoted(typed)}) at=${quoted(typed)} ;;`)
  .join('\n')}
    esac
  done
  case "$at $before" in
${all.flatMap(valueLines).join('\n')}
  esac
  case "$at" in
${all.map(wordLine).join('\n')}
  esac
}
complete -F _creel creel
`;
}

function valueLines({ typed, values }: Place): string[] {
  return values.map(({ options, takes }) => {
    const when = options.map((option) => quoted(`${typed} ${option}`)).join(' | ');
    if (takes === 'anything') return `    ${when}) return ;;`;
    const offer = takes === 'a file' ? '-f' : `-W ${quoted(takes.join(' '))}`;
    return `    ${when}) mapfile -t COMPREPLY < <(compgen ${offer} -- "$word"); return ;;`;
  });
}

/** Options are offered to whoever has begun one; to everybody else, what a command goes on with. */
function wordLine({ typed, words, options }: Place): string {
  const [other, dashed] = [words, options].map((list) => quoted(list.map(({ word }) => word).join(' ')));
  return `    ${quoted(typed)}) if [[ $word == -* ]]; then mapfile -t COMPREPLY < <(compgen -W ${dashed} -- "$word"); else mapfile -t COMPREPLY < <(compgen -W ${other} -- "$word"); fi ;;`;
}
