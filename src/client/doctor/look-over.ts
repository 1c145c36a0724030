import { isGrpcServiceError, type Client } from '@temporalio/client';
import { keysOf, newestKey, currentKey, type DeploymentKeys } from '../../domain/keys/deployment-keys.js';
import type { KnownEngine } from '../../domain/hosts/whereabouts.js';
import { searchAttributeKeys } from '../../wire/search-attributes.js';
import type { LimitedState } from '../../wire/examination.js';
import { taskQueue } from '../../wire/ids.js';
import type { Target } from '../connect.js';
import { knownEngines, listEngines } from '../deployment/engines.js';
import { unwrap } from '../failure.js';
import { listLost } from '../gateways.js';
import { findDeployment, type Deployment } from '../deployment/hold-deployment.js';
import { pollersOf } from '../pollers.js';
import { keepLonger, readRetention, tooBrief } from '../deployment/retention.js';
import { readHeld } from '../deployment/deployment.js';
import { diskFindings, findLimitedStates } from './disk.js';
import { examine } from './examine.js';
import { lookAtSchedules } from './schedules.js';
import { clockFinding, fail, ok, warn, workerFindings, type Finding } from './findings.js';

/** How a deployment is looked over: `page` has every worker page a person once. */
export type LookOver = { readonly target: Target; readonly creel: string; readonly page: boolean };

/** Looks a whole deployment over. What it cannot find out is a finding too; only an error of ours is thrown. */
export async function lookOver(client: Client, asked: LookOver): Promise<Finding[]> {
  const { address, source, namespace } = asked.target;
  const server = await serverVersion(client);
  const temporal = ok('Temporal', `answers at ${address} (from ${source})${server}, namespace ${namespace}`);
  const base = await Promise.all([retention(client, address), searchAttributes(client)]);
  const held = await heldFindings(client);
  if (!held.deployment) return [temporal, ...base, ...held.findings];
  const keys = keysOf(held.deployment);
  const beside = await engines(client, asked, keys);
  const rest = await Promise.all([workers(client, beside), attention(client), lookAtSchedules(client)]);
  return [temporal, ...base, ...held.findings, keyFinding(keys), rest[0], ...beside.findings, rest[1], ...rest[2]];
}

/** Which version the server says it is, as a part of a sentence; nothing where it says none. */
async function serverVersion(client: Client): Promise<string> {
  const { serverVersion: version } = await client.workflowService
    .getSystemInfo({})
    .catch(() => ({ serverVersion: '' }));
  return version ? `, version ${version}` : '';
}

async function retention(client: Client, address: string): Promise<Finding> {
  return finding('retention', async () => {
    const { namespace } = client.options;
    const kept = await readRetention(client.workflowService, namespace);
    const brief = tooBrief(kept, namespace);
    if (brief !== undefined) return warn('retention', brief, `\`${keepLonger(namespace, address)}\``);
    return ok('retention', `closed runs are kept for ${kept.keptDays} days`);
  });
}

async function searchAttributes(client: Client): Promise<Finding> {
  const about = 'search attributes';
  return finding(about, async () => {
    const names = searchAttributeKeys.map(({ name }) => name);
    const there = await Promise.all(names.map((name) => isKnown(client, name)));
    const missing = names.filter((_, index) => !there[index]);
    if (missing.length === 0) return ok(about, `all ${names.length} can be asked for`);
    const cure = 'start a worker, which registers them or says how: docs/runbook.md#search-attributes-missing';
    return fail(about, `${missing.join(', ')} cannot be asked for`, cure);
  });
}

/** Whether a server takes a search attribute: it says of one that it does not know that the query is wrong. */
async function isKnown(client: Client, name: string): Promise<boolean> {
  try {
    await client.workflow.count(`${name} IS NOT NULL`);
    return true;
  } catch (error) {
    const { cause } = error instanceof Error ? error : {};
    if (isGrpcServiceError(cause) && cause.code === wrongQuery) return false;
    throw error;
  }
}

/** gRPC's INVALID_ARGUMENT. */
const wrongQuery = 3;

async function heldFindings(client: Client): Promise<{ findings: Finding[]; deployment?: Deployment }> {
  const about = 'deployment';
  try {
    const deployment = await readHeld(client);
    if (!(await findDeployment(client))?.open)
      return { deployment, findings: [fail(about, 'somebody ended its workflow', again)] };
    return { deployment, findings: [ok(about, `${deployment.deployment}, layout ${deployment.layout}`)] };
  } catch (error) {
    return { findings: [fail(about, unwrap(error).message, 'docs/runbook.md#missing-deployment')] };
  }
}

const again = "`creel init`, as the worker's user on its machine, begins it again with the same id";

function keyFinding(keys: DeploymentKeys): Finding {
  const [current, newest] = [currentKey(keys), newestKey(keys)];
  if (current.id !== newest.id)
    return warn(
      'master key',
      `${current.id} is being replaced by ${newest.id}`,
      '`creel key rotate`, where the key lies, goes on with it',
    );
  return ok('master key', current.id);
}

/** Who polls, and who of them has answered: a process that hangs, or that polls another engine's queue, is none. */
async function workers(client: Client, { findings, answered }: Beside): Promise<Finding> {
  return finding('workers', async () => {
    const polling = await pollersOf(client, taskQueue, 'workflow');
    const named = `${polling.length}: ${polling.map(({ identity }) => identity).join(', ')}`;
    if (polling.length === 0)
      return fail('workers', `none polls task queue ${taskQueue}`, 'start one: `creel worker`, beside its engine');
    if (answered === 0 && findings.some(({ is }) => is === 'fail'))
      return fail('workers', `${named}, and none of them answers beside an engine`, 'what the lines below say');
    return ok('workers', named);
  });
}

type Engine = KnownEngine & { readonly gateways: number | undefined };

/** What was found out about engines and the workers beside them, and how many of those have answered. */
type Beside = { readonly findings: readonly Finding[]; readonly answered: number };

async function engines(client: Client, asked: LookOver, keys: DeploymentKeys): Promise<Beside> {
  const { known, limited, uncounted } = await enginesOf(client);
  const each = await Promise.all(known.map((engine) => besideEngine(client, asked, keys, engine, known, limited)));
  const ahead = each.flatMap(({ aheadMs }) => aheadMs ?? []);
  const clock = ahead.slice(0, 1).map((apart) => clockFinding('clock here', apart));
  return { findings: [...uncounted, ...each.flatMap(({ findings }) => findings), ...clock], answered: ahead.length };
}

/** What visibility has of the engines of a deployment. */
type OnEngines = {
  readonly known: readonly Engine[];
  readonly limited: Awaited<ReturnType<typeof findLimitedStates>>;
  readonly uncounted: readonly Finding[];
};

/** The same; where nobody can say which gateways are on each, that is a finding, and their workers answer all the same. */
async function enginesOf(client: Client): Promise<OnEngines> {
  try {
    const [known, limited] = await Promise.all([listEngines(client), findLimitedStates(client)]);
    return { known, limited, uncounted: [] };
  } catch (error) {
    const cure = 'mend what the other lines name, then look again';
    const known = await knownEngines(client);
    const says = `nobody can say which gateways are on each: ${unwrap(error).message}`;
    const uncounted = [fail('engines', says, cure)];
    return { known: known.map((each) => ({ ...each, gateways: undefined })), limited: new Map(), uncounted };
  }
}

type Told = { readonly findings: readonly Finding[]; readonly aheadMs?: number };

async function besideEngine(
  client: Client,
  asked: LookOver,
  keys: DeploymentKeys,
  engine: Engine,
  known: readonly Engine[],
  limited: ReadonlyMap<string, readonly LimitedState[]>,
): Promise<Told> {
  if (!engine.attended) return { findings: [unattended(engine)] };
  const name = nameOf(engine, known);
  const states = [engine.engine, ...(engine.was ?? [])].flatMap((id) => limited.get(id) ?? []);
  try {
    const { told, aheadMs } = await examine(client, engine.engine, { page: asked.page, states });
    const findings = [...workerFindings(name, told, { keys, creel: asked.creel }), ...diskFindings(name, states, told)];
    return { findings, aheadMs };
  } catch (error) {
    const cure = 'look at its log; exit code 78 there says what to mend: docs/runbook.md#no-worker';
    return { findings: [fail(`worker on ${name}`, unwrap(error).message, cure)] };
  }
}

/** The machine of an engine; with the beginning of the engine's id where a machine has several. */
function nameOf({ engine, host }: Engine, known: readonly Engine[]): string {
  return known.filter((each) => each.host === host).length > 1 ? `${host} (${engine.slice(0, 12)})` : host;
}

function unattended({ engine, host, gateways }: Engine): Finding {
  const about = `engine on ${host}`;
  const says = `${engine}: no worker stands beside it`;
  if (gateways === 0) return ok(about, `${says}, and no gateway stands on it`);
  const cure = 'start a worker there: docs/runbook.md#no-worker; if it never comes back: #engine-gone-for-good';
  return fail(about, `${says}, and ${gateways ?? 'perhaps'} gateways stand on it`, cure);
}

async function attention(client: Client): Promise<Finding> {
  return finding('gateways', async () => {
    const open = "WorkflowType = 'gateway' AND ExecutionStatus = 'Running' AND GatewayPhase != 'removed'";
    const [all, waiting] = await Promise.all(
      [open, `${open} AND NeedsAttention = true`].map((query) => client.workflow.count(query)),
    );
    const lost: string[] = [];
    for await (const { gateway } of listLost(client)) lost.push(gateway);
    const [count, needing] = [all?.count ?? 0, (waiting?.count ?? 0) + lost.length];
    if (needing === 0) return ok('gateways', `${count}, none of which needs a person`);
    return warn('gateways', `${needing} of ${count} need a person`, '`creel list --attention` names them');
  });
}

/** A finding, or that it could not be made. */
async function finding(about: string, look: () => Promise<Finding>): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    return fail(
      about,
      `cannot be looked at: ${unwrap(error).message}`,
      'mend what the other lines name, then look again',
    );
  }
}
