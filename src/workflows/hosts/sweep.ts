import {
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../../activities/activities.js';
import { placeOn } from '../../domain/hosts/region.js';
import { condemnedGraceMs, regionPageLength, sweepPageLength } from '../../domain/thresholds.js';
import { defaultLimits, type Limits } from '../../wire/limits.js';
import type { Attempted } from '../../wire/operation.js';
import { sweepQuery, type Named, type SweepInput, type SweepResult, type SweptEngine } from '../../wire/sweep.js';
import { askWhileAttended, orWhy } from './ask-engine.js';
import { sendPage } from '../saga/page.js';
import { netPolicy, onEngine } from '../saga/policies.js';
import {
  decideSweep,
  leaveOut,
  newSweep,
  noteRemoved,
  noteStopped,
  sweepResult,
  turnSweepPage,
  type SweepState,
} from './sweep-state.js';

type Asking = {
  [K in 'findSwept' | 'findUnowned' | 'findUnownedIn' | 'ensureSwept' | 'ensureStopped']: (
    ...args: Parameters<Activities[K]>
  ) => Promise<Attempted<Awaited<ReturnType<Activities[K]>>>>;
};

/** What a sweep is started with: by a person or a schedule, or with its own state when it continues as new. */
export type SweepStart = SweepInput & { readonly state?: SweepState };

/**
 * Goes over everything on every engine that carries our mark, asks the owner of each, and removes what that owner has
 * given up. The rest that nobody owns is reported; people hear of what is new. It halts, and touches nothing, when that
 * would be more than a few things, or when much less is there than the last time.
 */
export async function sweep(input: SweepStart): Promise<SweepResult> {
  const dryRun = input.dryRun || input.only !== undefined;
  if (dryRun) upsertMemo({ dryRun });
  return new Sweep({ ...input, dryRun }).end();
}

class Sweep {
  readonly #input: SweepStart;
  readonly #limits: Limits;
  #state: SweepState | undefined;

  constructor(input: SweepStart) {
    this.#input = input;
    this.#limits = input.limits ?? defaultLimits;
    this.#state = input.state;
    setHandler(sweepQuery, () => this.#says());
  }

  async end(): Promise<SweepResult> {
    const state = await this.#begin();
    while (state.engines.length > 0) {
      await this.#look(state);
      await this.#goOnIfLong(state);
    }
    if (state.phase === 'looking') decideSweep(state, this.#input.mayGo);
    if (!this.#input.dryRun && state.reason === '') await this.#act(state);
    state.phase = 'telling';
    const result = sweepResult(state, this.#input.dryRun);
    this.#show();
    if (!this.#input.dryRun) await this.#tell(result);
    return result;
  }

  async #begin(): Promise<SweepState> {
    if (this.#state) return this.#state;
    const { findSwept } = this.#ask({}, 'which engines are there');
    const { engines, memory } = (await findSwept()).value;
    this.#state = newSweep(engines, memory);
    return this.#state;
  }

  /** One page of the engine whose turn it is; one that cannot be asked is left out. */
  async #look(state: SweepState): Promise<void> {
    const [on] = state.engines;
    if (!on) return;
    this.#show();
    const { graceMs = condemnedGraceMs } = this.#input;
    const asking = () => this.#lookAt(on, state.after);
    const answer = await askWhileAttended(on, this.#limits, asking);
    if (typeof answer === 'string') return leaveOut(state, answer);
    turnSweepPage(state, answer, Date.now(), graceMs);
  }

  #lookAt({ engine, was, at }: SweptEngine, after: string) {
    const { page, only } = this.#input;
    const rest = { engine, after, ...(only !== undefined && { only }) };
    if (at)
      return this.#ask({ at }, `look at ${engine}`).findUnownedIn({ ...rest, at, limit: page ?? regionPageLength });
    const asked = { ...rest, limit: page ?? sweepPageLength, ...(was && { was }) };
    return this.#ask({ engine }, `look at engine ${engine}`).findUnowned(asked);
  }

  async #act(state: SweepState): Promise<void> {
    for (const thing of state.remove) {
      const asking = this.#ask(thing, `remove ${thing.kind} ${thing.name}`);
      const stays = await orWhy(asking.ensureSwept({ ...thing, ...wasOf(state, thing) }));
      noteRemoved(state, thing, stays);
      this.#show();
      await this.#goOnIfLong(state);
    }
    for (const thing of state.stop) {
      const asking = this.#ask(thing, `stop ${thing.name}`);
      noteStopped(state, thing, await orWhy(asking.ensureStopped({ ...thing, ...wasOf(state, thing) })));
      await this.#goOnIfLong(state);
    }
  }

  async #tell({ reason, counts, reported }: SweepResult): Promise<void> {
    if (reason === '' && counts.news === 0) return;
    const { workflowId } = workflowInfo();
    const news = reported.slice(0, Math.min(10, counts.news));
    const named = news.map(({ kind, name, reason: why }) => `${kind} ${name} (${why})`).join('; ');
    const halted = `it touched nothing: ${reason}. \`creel sweep --dry-run\` shows the plan, \`creel sweep --may-go ${counts.remove + counts.stop}\` carries it out; see docs/runbook.md#sweep-halted`;
    const found = `${counts.news} things that no record owns are new: ${named}. \`creel list --condemned\` names them all; see docs/runbook.md#condemned`;
    await sendPage(
      {
        id: workflowId,
        gateway: 'none',
        title: reason === '' ? 'a sweep found what nobody owns' : 'a sweep halted',
        text: [reason === '' ? [] : [halted], counts.news === 0 ? [] : [found]].flat().join('. '),
        at: new Date(Date.now()).toISOString(),
      },
      this.#limits,
    );
  }

  /** Every worker reaches a region and the machines in it. */
  #ask({ engine, at }: Partial<Pick<Named, 'engine' | 'at'>>, summary: string): Asking {
    const on = at || engine === undefined ? {} : onEngine(placeOn(engine));
    return proxyActivities<Asking>({ ...netPolicy(this.#limits), ...on, summary });
  }

  /** A history must not grow with what there is. */
  async #goOnIfLong(state: SweepState): Promise<void> {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    if (continueAsNewSuggested || historyLength > this.#limits.entityEvents)
      await continueAsNew<typeof sweep>({ ...this.#input, state });
  }

  #says(): string {
    const state = this.#state;
    if (!state) return 'looks which engines there are';
    const { phase, looked, counts, removed } = state;
    const things = looked.reduce((sum, each) => sum + each.things, 0);
    const seen = `${things} things seen, ${counts.remove} to remove, ${counts.report} reported`;
    return phase === 'acting' ? `${seen}, ${removed.length} removed` : seen;
  }

  #show(): void {
    setCurrentDetails(this.#says());
  }
}

/** A record may still name an engine by an id that it had before. */
function wasOf({ was }: SweepState, { engine }: Named): { readonly was?: readonly string[] } {
  const before = was[engine];
  return before ? { was: before } : {};
}
