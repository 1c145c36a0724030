import type { Client } from '@temporalio/client';
import { gigabytes, isOver, usedText } from '../../domain/gateway/state-size.js';
import { diskWarnShare, freeDiskFloorBytes, statesMeasured } from '../../domain/thresholds.js';
import { gatewayWorkflowId } from '../../wire/ids.js';
import type { Examined, LimitedState } from '../../wire/examination.js';
import { unwrap } from '../failure.js';
import { fleetMemoForm } from '../follow/payloads.js';
import { ok, warn, type Finding } from './findings.js';

/** The gateways whose state has a limit and that are not removed, by the engine on which they stand, as their memos say. */
export async function findLimitedStates(client: Client): Promise<ReadonlyMap<string, readonly LimitedState[]>> {
  const found = new Map<string, LimitedState[]>();
  const query = `WorkflowType = 'gateway' AND ExecutionStatus = 'Running' AND GatewayPhase != 'removed'`;
  try {
    for await (const { workflowId, memo } of client.workflow.list({ query, pageSize: 1_000 })) {
      const { data } = fleetMemoForm.safeParse(memo?.['fleet']);
      const engine = data?.place.engine;
      if (!data || data.diskMb === undefined || engine === undefined) continue;
      const state = { gateway: workflowId.slice(gatewayWorkflowId('').length), birth: data.birth, diskMb: data.diskMb };
      found.set(engine, [...(found.get(engine) ?? []), state]);
    }
  } catch (error) {
    throw unwrap(error);
  }
  return found;
}

/** How many gateways are named one by one. */
const namedMost = 20;

/**
 * What speaks against the states on one engine (S0-34): those that are over their limit or soon will be, and a disk that
 * could not hold what all of them may take. Nothing where no state has a limit.
 */
export function diskFindings(name: string, limited: readonly LimitedState[], told: Examined): Finding[] {
  if (limited.length === 0) return [];
  const taken = new Map((told.states ?? []).map(({ gateway, bytes }) => [gateway, bytes]));
  const full = limited.flatMap(({ gateway, diskMb }) => {
    const bytes = taken.get(gateway);
    return bytes === undefined || bytes < diskWarnShare * diskMb * 1024 ** 2 ? [] : [{ gateway, diskMb, bytes }];
  });
  const rest = full.length > namedMost ? [`and ${full.length - namedMost} more`] : [];
  return [
    promiseFinding(name, limited, taken, told),
    ...full.slice(0, namedMost).map(({ gateway, diskMb, bytes }) => {
      const over = isOver(bytes, diskMb) ? ': over, and no upgrade is taken until it is not' : '';
      return warn(`state of ${gateway}`, `${usedText(bytes, diskMb)}${over}`, cure(gateway));
    }),
    ...rest.map((said) =>
      warn(`states on ${name}`, `${said} take ${diskWarnShare * 100} % of their disk or more`, 'the same'),
    ),
  ];
}

function cure(gateway: string): string {
  return `\`creel change ${gateway} --disk …\` gives it more, or its customer removes what is not needed: docs/runbook.md#state-over-its-disk`;
}

/** Whether the disk can hold what the states may still take beyond what they take already. */
function promiseFinding(
  name: string,
  limited: readonly LimitedState[],
  taken: ReadonlyMap<string, number | undefined>,
  { engine }: Examined,
): Finding {
  const about = `disk on ${name}`;
  const bytesOf = ({ gateway }: LimitedState) => taken.get(gateway) ?? 0;
  const promised = limited.reduce((sum, { diskMb }) => sum + diskMb * 1024 ** 2, 0);
  const used = limited.reduce((sum, each) => sum + bytesOf(each), 0);
  const open = limited.reduce((sum, each) => sum + Math.max(0, each.diskMb * 1024 ** 2 - bytesOf(each)), 0);
  const unknown = limited.filter(({ gateway }) => taken.get(gateway) === undefined).length;
  const many = limited.length > statesMeasured ? `, ${statesMeasured} at most are measured` : '';
  const unsaid =
    unknown === 0 ? '' : ` (${unknown} not counted: stopped, too many files, or a worker of an older creel${many})`;
  const says = `${limited.length} states may take ${gigabytes(promised)} and take ${gigabytes(used)}${unsaid}`;
  const free = 'freeDiskBytes' in engine ? engine.freeDiskBytes : undefined;
  if (free === undefined || open <= Math.max(0, free - freeDiskFloorBytes)) return ok(about, says);
  return warn(
    about,
    `${says}; ${gigabytes(free)} are free, and they may take ${gigabytes(open)} more`,
    'give some less (`creel change <id> --disk`), make room, or take a larger disk: docs/runbook.md#host-full',
  );
}
