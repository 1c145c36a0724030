import type { Place } from '../../domain/hosts/place.js';
import { isAlive, isRemoving, type GatewayState } from './state.js';

/** What a look at the whole fleet needs of a gateway, so that it need not ask each of them. */
type FleetMemo = {
  readonly birth: string;
  readonly place: Place;
  readonly rotation?: 'scheduled';
  /** How much its state is to take; nobody says when absent. */
  readonly diskMb?: number;
  /** The deployment's first key when absent, as in the record. */
  readonly keyId?: string;
  readonly removing?: true;
  readonly stateKeptUntil?: string;
};

/** What a gateway's memo says beside its search attributes; null takes a field out. Keys and fields are formats. */
export type ListMemo = {
  /** When it was last proved usable, by its record. */
  readonly proved: string | null;
  readonly fleet: FleetMemo | null;
};

/** What stands in the memo of a gateway of this state. */
export function listMemoOf(state: GatewayState): ListMemo {
  const { life } = state;
  const proved = isAlive(state) && life?.record ? life.record.provedAt : null;
  if (!life || state.phase === 'none') return { proved, fleet: null };
  const { gateway, stateKeptUntil } = life;
  const fleet = {
    birth: gateway.mark.birth,
    place: gateway.place,
    ...(gateway.spec.rotation && { rotation: gateway.spec.rotation }),
    ...(gateway.spec.diskMb !== undefined && { diskMb: gateway.spec.diskMb }),
    ...(gateway.keyId !== undefined && { keyId: gateway.keyId }),
    ...(isRemoving(state) && ({ removing: true } as const)),
    ...(stateKeptUntil > 0 && { stateKeptUntil: new Date(stateKeptUntil).toISOString() }),
  };
  return { proved, fleet };
}

/** Whether a memo says so already. */
export function saysSo(memo: Readonly<Record<string, unknown>>, { proved, fleet }: ListMemo): boolean {
  const before = memo['fleet'] ?? null;
  return (memo['proved'] ?? null) === proved && JSON.stringify(before) === JSON.stringify(fleet);
}
