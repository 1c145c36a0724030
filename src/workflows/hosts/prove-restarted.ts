import { continueAsNew, proxyActivities, setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../../activities/activities.js';
import { counted } from '../../domain/amounts.js';
import { placeOn } from '../../domain/hosts/region.js';
import { driftPageLength, provingMs, sweepNames } from '../../domain/thresholds.js';
import type { Attempted } from '../../wire/operation.js';
import type { Proved, RestartInput, RestartResult } from '../../wire/restart.js';
import { sendPage } from '../saga/page.js';
import { onEngine, scheduledPolicy } from '../saga/policies.js';
import { orWhy } from './ask-engine.js';

type Asking = {
  [K in 'findRestarted' | 'findProved' | 'requestRepair']: (
    ...args: Parameters<Activities[K]>
  ) => Promise<Attempted<Awaited<ReturnType<Activities[K]>>>>;
};

/** How far it is: plain JSON, whose size grows with what one engine carries. */
type Proving = {
  /** The gateway after which the next page begins; absent after the last one. */
  after?: string;
  /** Those that were asked to be repaired, and have not come to an end. */
  asked: string[];
  /** When (epoch ms) whoever has not come to an end by then is named. */
  readonly until: number;
  /** How often was looked whether they have come to an end. */
  looks: number;
  proved: number;
  unproved: number;
  reasons: { gateway: string; reason: string }[];
};

type Start = RestartInput & { readonly state?: Proving };

const firstLookMs = 2_000;
const lastLookMs = 60_000;

/**
 * Has every gateway proved usable again that its record calls ready and that did not run on when its engine began anew:
 * by a repair, which mends what the start left broken. People hear once of the host, when all have come to an end.
 */
export async function proveRestarted(input: Start): Promise<RestartResult> {
  const state: Proving = input.state ?? newProving(Date.now());
  while (state.after !== undefined) {
    await askPage(input, state);
    await goOnIfLong(input, state);
  }
  while (state.asked.length > 0 && Date.now() < state.until) {
    await sleep(Math.min(lastLookMs, firstLookMs * 2 ** Math.min(state.looks, 10)), {
      summary: 'until the next look at what is not ready yet',
    });
    state.looks += 1;
    setCurrentDetails(`${state.proved} gateways are proved again, ${state.asked.length} are not yet`);
    const { value } = await ask(input, 'how far are they').findProved({ gateways: state.asked, run: ownId() });
    for (const each of value) note(state, each);
    await goOnIfLong(input, state);
  }
  for (const gateway of state.asked) note(state, { gateway, why: 'it is still being proved' });
  const { host, engine, upSince } = input;
  const result = { host, engine, upSince, proved: state.proved, unproved: state.unproved, reasons: state.reasons };
  if (result.proved + result.unproved > 0) await tell(result, input);
  return result;
}

function newProving(now: number): Proving {
  return { after: '', asked: [], until: now + provingMs, looks: 0, proved: 0, unproved: 0, reasons: [] };
}

/** Asks for the repair of what one page shows. */
async function askPage(input: Start, state: Proving): Promise<void> {
  const { engine, was, at, page: limit = driftPageLength } = input;
  const on = { engine, ...(at && { at }) };
  const asked = { ...on, was, after: state.after ?? '', limit };
  const { restarted, next } = (await ask(input, 'what did not run on').findRestarted(asked)).value;
  for (const { gateway, birth, found, unsafe } of restarted) {
    if (unsafe !== undefined) {
      note(state, { gateway, why: unsafe });
      continue;
    }
    const summary = `have ${gateway} proved again: ${found}`;
    const why = await orWhy(ask(input, summary).requestRepair({ gateway, birth, ...on, run: ownId() }));
    if (why === undefined) state.asked.push(gateway);
    else note(state, { gateway, why });
  }
  if (next === undefined) delete state.after;
  else state.after = next;
}

function note(state: Proving, { gateway, why }: Proved): void {
  state.asked = state.asked.filter((each) => each !== gateway);
  if (why === undefined) state.proved += 1;
  else {
    state.unproved += 1;
    if (state.reasons.length < sweepNames) state.reasons.push({ gateway, reason: why });
  }
}

async function tell({ host, proved, unproved, reasons, upSince }: RestartResult, { limits }: Start): Promise<void> {
  const named = reasons.slice(0, 10).map(({ gateway, reason }) => `${gateway}: ${reason}`);
  const left = unproved === 0 ? '' : `; ${counted(unproved, 'gateway')} not: ${named.join('; ')}`;
  await sendPage(
    {
      id: ownId(),
      gateway: 'none',
      title: `host ${host} was started again`,
      text: `its engine began at ${upSince}. ${counted(proved, 'gateway')} proved usable again${left}. See docs/runbook.md#host-started-again`,
      at: new Date(Date.now()).toISOString(),
    },
    limits,
  );
}

function ask({ engine, at, limits }: Start, summary: string): Asking {
  const on = onEngine(placeOn(engine, at));
  return proxyActivities<Asking>({ ...scheduledPolicy(limits, limits.undoMs), ...on, summary });
}

function ownId(): string {
  return workflowInfo().workflowId;
}

/** A history must not grow with what an engine carries. */
async function goOnIfLong(input: Start, state: Proving): Promise<void> {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  if (continueAsNewSuggested || historyLength > input.limits.entityEvents)
    await continueAsNew<typeof proveRestarted>({ ...input, state });
}
