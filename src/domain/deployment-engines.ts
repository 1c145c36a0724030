import { engineId } from './engine-id.js';
import { Refused } from './errors.js';
import { enginesLength } from './thresholds.js';

/** An engine of a deployment, and the machine that its worker names itself. */
export type DeploymentEngine = { readonly engine: string; readonly host: string };

/** The engines as they are once a worker has said that it serves one; the very same list when that is known. `Refused` when there are too many. */
export function withEngine(known: readonly DeploymentEngine[], served: DeploymentEngine): readonly DeploymentEngine[] {
  const engine = engineId(served?.engine, 'the worker that serves it');
  const host = served.host.slice(0, 100);
  const before = known.find((each) => each.engine === engine);
  if (before?.host === host) return known;
  if (!before && known.length >= enginesLength)
    throw new Refused(`a deployment has at most ${enginesLength} engines. Run another deployment beside this one`);
  return before ? known.map((each) => (each === before ? { engine, host } : each)) : [...known, { engine, host }];
}
