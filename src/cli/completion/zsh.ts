import { quoted, type Place, type Word } from './words.js';

/** The completion of a program for zsh: as a file `_creel` in a directory of `fpath`, or to be sourced. */
export function zshCompletion(all: readonly Place[]): string {
  return `#compdef creel
# zsh completion of creel. To have it in every shell: creel completion zsh > DIRECTORY/_creel, a directory of $fpath
_creel() {
  local at=creel i
  local -a offered
  for ((i = 2; i < CURRENT; i++)); do
    case "$at \${words[i]}" in
${all
  .slice(1)
  .map(({ typed }) => `      (${quoted(typed)}) at=${quoted(typed)} ;;`)
  .join('\n')}
    esac
  done
  case "$at \${words[CURRENT-1]}" in
${all.flatMap(valueLines).join('\n')}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then
    case "$at" in
${all.map(({ typed, options }) => offerLine(typed, options)).join('\n')}
    esac
  else
    case "$at" in
${all.map(({ typed, words }) => offerLine(typed, words)).join('\n')}
    esac
  fi
  (( \${#offered} )) && _describe creel offered
}
if [[ "\${funcstack[1]}" == _creel ]]; then _creel "$@"; else compdef _creel creel; fi
`;
}

function valueLines({ typed, values }: Place): string[] {
  return values.map(({ options, takes }) => {
    const when = options.map((option) => quoted(`${typed} ${option}`)).join(' | ');
    if (takes === 'anything') return `    (${when}) return ;;`;
    return `    (${when}) ${takes === 'a file' ? '_files' : `compadd -- ${takes.map(quoted).join(' ')}`}; return ;;`;
  });
}

function offerLine(typed: string, words: readonly Word[]): string {
  const each = words.map(({ word, means }) => quoted(means === '' ? word : `${word}:${means.replaceAll(':', '\\:')}`));
  return `      (${quoted(typed)}) offered=(${each.join(' ')}) ;;`;
}
