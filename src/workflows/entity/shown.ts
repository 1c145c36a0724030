import { patched, setCurrentDetails, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { Park } from '../../wire/park.js';
import type { GatewayStart } from '../../wire/requests.js';
import {
  gatewayBirthKey,
  gatewayHostKey,
  gatewayPhaseKey,
  gatewayRegionKey,
  gatewayReleaseKey,
  needsAttentionKey,
  phaseSinceKey,
  tokenGenerationKey,
} from '../../wire/search-attributes.js';
import { describeHandOver, detailsOf, handOverOf } from '../record/describe.js';
import { listMemoOf, saysSo } from '../record/list-memo.js';
import { hasLeft, type GatewayState } from '../record/state.js';

/** What a record shows without being asked: its page in the Temporal UI, and what lists are made of. */
export class Shown {
  readonly #start: GatewayStart;
  #shown = '';

  constructor(start: GatewayStart) {
    this.#start = start;
  }

  /** Shows how a gateway stands. What people list and filter by is written only when it has changed. */
  show(state: GatewayState, park: Park | undefined): void {
    const { life, phase, since } = state;
    const { mark, place, spec, tokenGeneration } = life?.gateway ?? {};
    const attention = park !== undefined || phase === 'degraded' || hasLeft(state) || state.paid?.refused !== undefined;
    setCurrentDetails(detailsOf(this.#start, state, park));
    showHandOver(state);
    showMemo(state);
    const shown = park ? 'parked' : phase;
    const engine = place?.engine;
    const key = `${shown} ${attention} ${mark?.birth ?? ''} ${engine ?? ''}`;
    if (key === this.#shown) return;
    this.#shown = key;
    upsertSearchAttributes([
      { key: gatewayPhaseKey, value: shown },
      { key: gatewayBirthKey, value: mark?.birth ?? null },
      { key: gatewayReleaseKey, value: spec?.release ?? null },
      ...(engine === undefined ? [] : [{ key: gatewayHostKey, value: engine }]),
      { key: needsAttentionKey, value: attention },
      { key: phaseSinceKey, value: new Date(since) },
      { key: gatewayRegionKey, value: place?.region ?? null },
      { key: tokenGenerationKey, value: tokenGeneration ?? null },
    ]);
  }
}

/** Where `creel list` finds it without asking each gateway. */
function showHandOver(state: GatewayState): void {
  const { handOver } = handOverOf(state);
  const due = handOver && describeHandOver(handOver);
  if (workflowInfo().memo?.['handOver'] === due) return;
  upsertMemo({ handOver: due ?? null });
}

/** Where a list and a look at the whole fleet find the rest without asking each gateway. */
function showMemo(state: GatewayState): void {
  const memo = listMemoOf(state);
  if (!saysSo(workflowInfo().memo ?? {}, memo) && patched('the memo says more')) upsertMemo(memo);
}
