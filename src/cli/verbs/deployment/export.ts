import type { Client } from '@temporalio/client';
import { exportLines } from '../../../client/net/export.js';
import type { ExportEnd } from '../../../domain/recovery/exported.js';
import { counted } from '../../../domain/amounts.js';
import { saveExport } from '../../../settings/export-file.js';
import { exits } from '../../exit.js';
import { verb, withTemporal } from '../../verb.js';

/** `creel export`: the records of all gateways, from which a deployment can be taken up again in an empty namespace. */
export function exportCommand() {
  return verb('export', 'write the records of all gateways as JSON lines; no secrets, and the key is not among them', [
    'creel export --out creel.jsonl',
    'creel export | gzip > creel.jsonl.gz',
  ])
    .option('--out <file>', 'into a file (0600), which is there as a whole or not at all; else to the standard output')
    .action(async ({ out, ...options }) => {
      await withTemporal(options, async (client) => {
        const { lines, end } = written(client);
        if (out === undefined) for await (const line of lines) process.stdout.write(line);
        else await saveExport(out, lines);
        const { gateways, silent } = end();
        const missing =
          silent.length === 0 ? '' : `; ${silent.length} did not answer and are missing: ${silent.join(', ')}`;
        const said = `${counted(gateways, 'record')} written${missing}`;
        if (out === undefined) process.stderr.write(`creel: ${said}\n`);
        else process.stdout.write(options.json ? `${JSON.stringify({ file: out, gateways, silent })}\n` : `${said}\n`);
        if (silent.length > 0) process.exitCode = exits.attention;
      });
    });
}

function written(client: Client): { lines: AsyncGenerator<string>; end: () => ExportEnd } {
  let end: ExportEnd = { gateways: 0, silent: [] };
  const lines = async function* () {
    for await (const line of exportLines(client, new Date())) {
      if ('end' in line) end = line.end;
      yield `${JSON.stringify(line)}\n`;
    }
  };
  return { lines: lines(), end: () => end };
}
