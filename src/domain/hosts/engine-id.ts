import { Foreign, Refused } from '../errors.js';
import type { Place } from './place.js';

const idForm = /^[A-Za-z0-9][A-Za-z0-9:._-]{3,127}$/;

/**
 * The id that an engine gives itself (`docker info`, ID), as read at `where`. An engine without one is `Refused`:
 * nothing could tell it from another.
 */
export function engineId(raw: unknown, where: string): string {
  if (typeof raw === 'string' && idForm.test(raw)) return raw;
  throw new Refused(
    `the engine at ${where} names no id of its own (docker info: ID is ${JSON.stringify(raw ?? '')}), so nothing tells it from another. creel needs Docker; see docs/runbook.md#another-engine`,
  );
}

/** The ids that an engine had before its current one, as far as known. */
export type FormerIds = (engine: string) => readonly string[];

/**
 * `Foreign` when the engine found at `where` is not the place's, by its current id or a former one. A place without an
 * engine, from before engines were on record, accepts any.
 */
export function demandEngine(
  { engine }: Pick<Place, 'engine'>,
  found: string,
  where: string,
  formerIds: FormerIds = () => [],
): void {
  if (engine === undefined || engine === found || formerIds(found).includes(engine)) return;
  throw new Foreign(
    `the engine at ${where} is ${found}, and the gateway stands on engine ${engine}. Nothing was touched. Start the worker of that engine, or put that engine back; see docs/runbook.md#another-engine`,
  );
}
