/**
 * Draws docs/demo.svg, which README shows: the terminal of a real `npm run demo` at the moment at which its gateway is ready.
 * `node scripts/picture.mjs`, after a build; with a file, that recording of `script` is drawn.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './machine/dirs.mjs';

const COLUMNS = 112;
const READY = / is ready\.\r?\n[^]*?\n {2}stop [^\n]*\n/;
const ROW = 19;
const LETTER = 8.43;

/** Records a demo with a home of its own, in a terminal that `script` of util-linux makes, and ends it by Ctrl-C. */
async function record() {
  const state = mkdtempSync(join(tmpdir(), 'creel-demo-'));
  const command = `stty rows 60 columns ${COLUMNS}; exec "${process.execPath}" dist/src/dev/demo.js`;
  const env = { ...process.env, XDG_STATE_HOME: state, TERM: 'xterm-256color' };
  const terminal = spawn('script', ['-qefc', command, '/dev/null'], { cwd: root, env });
  let bytes = '';
  terminal.stdout.setEncoding('utf8').on('data', (piece) => {
    if (!READY.test(bytes) && READY.test(bytes + piece)) setTimeout(() => terminal.stdin.write('\u0003'), 500);
    bytes += piece;
  });
  const [code] = await once(terminal, 'close');
  rmSync(state, { recursive: true, force: true });
  if (code !== 0) throw new Error(`the demo ended with ${code}:\n${screenAfter(bytes).join('\n')}`);
  return bytes;
}

/** The lines on the screen after these bytes, as far as what creel writes moves a cursor. */
function screenAfter(bytes) {
  const lines = [];
  let [row, column] = [0, 0];
  const moves = {
    A: (count) => (row = Math.max(0, row - count)),
    B: (count) => (row += count),
    G: (count) => (column = count - 1),
    K: (_count, how) => (lines[row] = how === '2' ? '' : (lines[row] ?? '').slice(0, column)),
  };
  const pieces = new RegExp(String.raw`\u001b\[([?\d;]*)([A-Za-z])|\r|\n|[^\u001b\r\n]+`, 'g');
  for (const [piece, how, move] of bytes.matchAll(pieces)) {
    if (move !== undefined) moves[move]?.(Number(how) || 1, how);
    else if (piece === '\r') column = 0;
    else if (piece === '\n') row += 1;
    else {
      const line = (lines[row] ?? '').padEnd(column);
      lines[row] = line.slice(0, column) + piece + line.slice(column + piece.length);
      column += piece.length;
    }
  }
  return Array.from(lines, (line = '') => line.trimEnd());
}

/** As a terminal of this width breaks it. */
function broken(line) {
  return line.length <= COLUMNS ? [line] : [line.slice(0, COLUMNS), ...broken(line.slice(COLUMNS))];
}

/** As anybody's demo says it, whose home is where homes are. */
function athome(line) {
  return line.replace(/\/\S*(\/creel\/demo\/)/, '~/.local/state$1');
}

/** Links that open something are good once, for a demo that is over; they are cut so that they do not look otherwise. */
function shown(bytes) {
  const ready = READY.exec(bytes);
  if (!ready) throw new Error('the recording has no demo that became ready');
  const lines = screenAfter(bytes.slice(0, ready.index + ready[0].length)).map(athome);
  return lines.map((line) => line.replace(/(#\w+=).*/, '$1…').replace(/(\/workflows\/).*/, '$1…')).flatMap(broken);
}

function drawn(lines) {
  const [width, height] = [Math.ceil(COLUMNS * LETTER) + 40, (lines.length + 1) * ROW + 40];
  const rows = ['<tspan class="dim">$</tspan> npm run demo', ...lines.map(coloured)];
  const text = rows.map((row, index) => `<text x="20" y="${34 + index * ROW}" xml:space="preserve">${row}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>npm run demo: the steps of a provision, each with its time, and a gateway that is ready</title>
<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d6deeb}.ok{fill:#7ec699}.dim{fill:#8a9bb0}.big{font-weight:bold;fill:#fff}</style>
<rect width="100%" height="100%" rx="8" fill="#11181f"/>
${text.join('\n')}
</svg>
`;
}

function coloured(line) {
  const plain = line.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  if (/^(provision|Gateway) /.test(line)) return `<tspan class="big">${plain}</tspan>`;
  return plain
    .replace('✓', '<tspan class="ok">✓</tspan>')
    .replace(/^( {2}[a-z]+(?: [a-z]+)?)(?= {2})/, '<tspan class="dim">$1</tspan>');
}

const [recording] = process.argv.slice(2);
const bytes = recording ? readFileSync(recording, 'utf8') : await record();
writeFileSync(join(root, 'docs', 'demo.svg'), drawn(shown(bytes)));
