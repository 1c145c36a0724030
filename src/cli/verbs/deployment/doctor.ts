import { Unreachable } from '../../../client/failure.js';
import { fail, type Finding } from '../../../client/doctor/findings.js';
import { lookOver } from '../../../client/doctor/look-over.js';
import { versionText } from '../../../settings/version.js';
import { exits, type Exit } from '../../exit.js';
import { verb, withTemporal } from '../../verb.js';

/** `creel doctor`: the deployment looked over in one go, each line with its cure; the exit code is for monitoring. */
export function doctorCommand() {
  return verb(
    'doctor',
    'look the whole deployment over; changes nothing. Exit 0: all well, 5: a warning, 4: a failure',
    [
      'creel doctor',
      'creel doctor --page                    has every worker page a person once, for real',
      'creel doctor --json | jq .worst',
    ],
  )
    .option('--page', 'have every worker send a page that says it is a test')
    .action(async (options) => {
      const findings = await allFindings(options);
      const exit = exitFor(findings);
      const worst = rank.find((is) => findings.some((each) => each.is === is)) ?? 'ok';
      process.stdout.write(options.json ? `${JSON.stringify({ worst, exit, findings })}\n` : textOf(findings));
      process.exitCode = exit;
    });
}

type Options = Parameters<typeof withTemporal>[0] & { readonly page?: true };

async function allFindings(options: Options): Promise<Finding[]> {
  try {
    return await withTemporal(options, (client, target) =>
      lookOver(client, { target, creel: versionText(), page: options.page === true }),
    );
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    return [fail('Temporal', error.message, 'docs/runbook.md#temporal-unreachable')];
  }
}

const rank = ['fail', 'warn', 'ok'] as const;

/** The worst that was found; a Temporal or a worker that is away by the code that every other command gives it. */
function exitFor(findings: readonly Finding[]): Exit {
  const failed = findings.filter(({ is }) => is === 'fail').map(({ about }) => about);
  if (failed.includes('Temporal')) return exits.unreachable;
  if (failed.includes('workers')) return exits.noWorker;
  if (failed.length > 0) return exits.failed;
  return findings.some(({ is }) => is === 'warn') ? exits.attention : exits.done;
}

function textOf(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ about }) => about.length));
  return findings
    .map(({ is, about, says, cure }) => {
      const line = `${is.padEnd(4)}  ${about.padEnd(width)}  ${says}\n`;
      return cure === undefined ? line : `${line}${' '.repeat(width + 8)}→ ${cure}\n`;
    })
    .join('');
}
