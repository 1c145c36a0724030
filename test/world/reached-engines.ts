import type { Place } from '../../src/domain/hosts/place.js';
import type { Deps } from '../../src/world/deps.js';
import { engineIdAt } from './directory-engine.js';
import { openTestWorld } from './open-test-world.js';

/** A worker's world that reaches other engines as well, as over SSH: each a directory that other workers may reach too. */
export function reaching(deps: Deps, roots: readonly string[]): Deps & { readonly reaches: readonly string[] } {
  const others = new Map(roots.map((root) => [engineIdAt(root), openTestWorld(root).deps]));
  const at = ({ engine = '' }: Place) => others.get(engine) ?? deps;
  return {
    ...deps,
    hosts: byPlace(deps.hosts, (place) => at(place).hosts),
    door: byPlace(deps.door, (place) => at(place).door),
    engineAt: (place) => at(place).engineAt(place),
    reaches: [...others.keys()],
  };
}

/** A port whose every call goes to that of the place which it is told of, or whose gateway it is told of. */
function byPlace<T extends object>(own: T, at: (place: Place) => T): T {
  return new Proxy(own, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: readonly unknown[]): unknown => {
        const place = placeIn(args[0]);
        const port = place ? at(place) : target;
        const method: unknown = Reflect.get(port, name, port);
        return typeof method === 'function' ? Reflect.apply(method, port, args) : method;
      };
    },
  });
}

function placeIn(told: unknown): Place | undefined {
  const { place, provider } = Object(told) as { readonly place?: Place; readonly provider?: unknown };
  return provider === undefined ? place : (told as Place);
}
