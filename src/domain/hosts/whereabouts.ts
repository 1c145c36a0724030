import { Refused } from '../errors.js';
import type { Mark } from '../gateway/gateway.js';
import type { Place } from './place.js';
import { describeLives, type Life } from '../gateway/life.js';

/** An engine that a worker of this deployment has ever served. */
export type KnownEngine = {
  readonly engine: string;
  /** The machine, as its worker named it. */
  readonly host: string;
  /** Whether a worker polls for it now. */
  readonly attended: boolean;
  /** Whether one has polled in the last minutes, by the server's clock; absent where nobody asked. */
  readonly lately?: boolean;
  /** The ids it had before. */
  readonly was?: readonly string[];
};

/** Where a gateway was looked for, and what was found. */
export type Whereabouts = {
  /** The engine beside the worker that was asked first. */
  readonly here: string;
  readonly asked: readonly { readonly engine: string; readonly lives: readonly Life[] }[];
  /** Engines that no worker serves now, or that do not answer theirs. */
  readonly unasked: readonly Pick<KnownEngine, 'engine' | 'host'>[];
  /** There is a ceiling on gateways. */
  readonly limited?: true;
};

/**
 * The engine that carries this life; undefined when none of those asked does. Two are `Refused`: nobody can say which
 * one is meant.
 */
function engineOf({ gateway, birth }: Mark, { asked }: Whereabouts): string | undefined {
  const carriers = carriersOf(birth, asked);
  const [first, second] = carriers;
  if (!second) return first?.engine;
  const each = carriers.map(({ engine, lives }) => {
    const found = lives.find((life) => life.birth === birth);
    return `engine ${engine} (${found?.resources.join(', ')})`;
  });
  throw new Refused(
    `birth ${birth} of ${gateway} is on ${each.join(' and on ')}: one is a copy of the other. Remove the copy's by hand, or stop the worker beside it, and ask again; see docs/runbook.md#engine-not-on-record`,
  );
}

function carriersOf(birth: string, asked: Whereabouts['asked']): Whereabouts['asked'] {
  return asked.filter(({ lives }) => lives.some((life) => life.birth === birth));
}

/**
 * The engine that an operator named for a life; `Refused` when no worker ever served it, or the life is on another one.
 */
export function engineNamed({ gateway, birth }: Mark, wanted: string, seen: Whereabouts): string {
  demandServed(wanted, seen);
  const carriers = carriersOf(birth, seen.asked).map(({ engine }) => engine);
  if (carriers.length === 0 || carriers.includes(wanted)) return wanted;
  throw new Refused(
    `birth ${birth} of ${gateway} is on engine ${carriers.join(', ')}, not ${wanted}. Leave the engine out`,
  );
}

/**
 * The engine of a life that already holds something, or `Refused`, naming what is known and the verb that takes an
 * operator's word for it: finding nothing where a worker stands proves nothing.
 */
export function engineHolding(mark: Mark, seen: Whereabouts, verb: 'provision' | 'remove' = 'provision'): string {
  const found = engineOf(mark, seen);
  if (found !== undefined) return found;
  const { gateway, birth } = mark;
  const asked = seen.asked.map(({ engine }) => engine).join(', ');
  throw new Refused(
    `the record of ${gateway} names no engine, and none beside which a worker stands carries birth ${birth} (asked: ${asked}${silent(seen)}). Start a worker beside the engine that does, or name one with \`creel ${verb} ${gateway} --engine ID\`; see docs/runbook.md#engine-not-on-record`,
  );
}

/** The engine of a life whose record was lost; `Refused` when it is on none of those asked, or not on the one named. */
export function engineOfLost(mark: Mark, { engine: wanted }: Pick<Place, 'engine'>, everywhere: Whereabouts): string {
  if (wanted !== undefined) demandServed(wanted, everywhere);
  const meant = everywhere.asked.filter(({ engine }) => wanted === undefined || engine === wanted);
  const seen = { ...everywhere, asked: meant };
  const found = engineOf(mark, seen);
  if (found !== undefined) return found;
  const asked = seen.asked.map(({ engine }) => engine).join(', ');
  throw new Refused(`no life of ${mark.gateway} with birth ${mark.birth} is on engine ${asked}${silent(seen)}`);
}

/**
 * The engine on which a life begins: the one asked for, else the one with an earlier life of the gateway, else the
 * first that answered.
 */
export function engineForNew(mark: Mark, place: Place, seen: Whereabouts): string {
  const { gateway, birth } = mark;
  const others = seen.asked.flatMap(({ engine, lives }) =>
    lives.filter((life) => life.birth !== birth).map((life) => ({ engine, life })),
  );
  const wanted = place.engine;
  if (wanted === undefined) return engineOf(mark, seen) ?? others[0]?.engine ?? seen.here;
  const elsewhere = others.filter(({ engine }) => engine !== wanted);
  if (elsewhere.length > 0)
    throw new Refused(
      describeLives(
        gateway,
        elsewhere.map(({ life }) => life),
      ),
    );
  demandServed(wanted, seen);
  return wanted;
}

/** `Refused` for an engine that no worker ever served: whatever is asked there would wait for ever. */
function demandServed(wanted: string, seen: Whereabouts): void {
  const known = [...seen.asked, ...seen.unasked].map(({ engine }) => engine);
  if (known.includes(wanted)) return;
  throw new Refused(
    `no worker ever served engine ${wanted}. Those there are: ${known.join(', ')}; see docs/runbook.md#engine-not-on-record`,
  );
}

function silent({ unasked }: Whereabouts): string {
  if (unasked.length === 0) return '';
  return `; not asked, because no worker stands beside it or it does not answer: ${unasked.map(({ engine, host }) => `${engine} on ${host}`).join(', ')}`;
}
