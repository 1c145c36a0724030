import { names, type Labels, type Mark } from '../gateway/gateway.js';
import { replacementNames } from '../changes/replacement.js';

/** Something on an engine that carries a mark of this deployment. */
export type Thing = {
  readonly kind: 'container' | 'volume' | 'network';
  readonly name: string;
  readonly labels: Labels;
  readonly mark: Mark;
};

/**
 * What a thing is in the life of its gateway, by its name: what the gateway is made of; what only an operation uses
 * (`former` is the previous container, `copier`, `trial` and its copy of the state); a state that was saved; or
 * something that this version of creel makes nothing like.
 */
export type Role = 'own' | 'state' | 'former' | 'copier' | 'trial' | 'saved state' | 'unknown';

/** What a thing is in the life of its gateway. */
export function roleOf({ kind, name, mark }: Pick<Thing, 'kind' | 'name' | 'mark'>): Role {
  const own = names(mark);
  const { former, copier, rehearsal, trial, savedStates } = replacementNames(mark);
  const roles: Readonly<Record<Thing['kind'], Readonly<Record<string, Role>>>> = {
    container: {
      [own.container]: 'own',
      [own.writer]: 'own',
      [former]: 'former',
      [copier]: 'copier',
      [rehearsal]: 'trial',
    },
    network: { [own.network]: 'own' },
    volume: { [own.volume]: 'state', [trial]: 'trial', [savedStates.a]: 'saved state', [savedStates.b]: 'saved state' },
  };
  return roles[kind][name] ?? 'unknown';
}

/** Whether it may hold what a customer has nowhere else. A trial's copy of a state is none: it is made to be thrown away. */
export function holdsState({ kind, ...thing }: Pick<Thing, 'kind' | 'name' | 'mark'>): boolean {
  return kind === 'volume' && roleOf({ kind, ...thing }) !== 'trial';
}
