import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonBytes } from '../../../src/domain/cut.js';
import {
  carryCount,
  carryLedger,
  isCordoned,
  diskThere,
  keyOf,
  pageOf,
  place,
  promise,
  promisedOf,
  readCount,
  readLedger,
  recounted,
  renamed,
  type Ledger,
  type LedgerHost,
  type Need,
} from '../../../src/domain/hosts/ledger.js';

const small: Need = { memoryMb: 2048, cpus: 2, diskMb: 0 };
const gone: Need = { memoryMb: 0, cpus: 0, diskMb: 0 };

function host(engine: string, capacity: Partial<LedgerHost['capacity']> = {}): LedgerHost {
  const plenty = {
    host: `h-${engine}`,
    version: '29.0.0',
    memoryMb: 65_536,
    cpus: 64,
    diskMb: undefined,
    cordoned: false,
  };
  return { engine, capacity: { ...plenty, ...capacity }, promises: new Map() };
}

function ledgerOf(...hosts: readonly LedgerHost[]): Ledger {
  return new Map(hosts.map((each) => [each.engine, each]));
}

function placing(gateway: string, engines: readonly string[], need = small) {
  return { gateway, birth: '7k3fq2', need, engines, silent: [] };
}

/** The ledger once a gateway was placed, and where. */
function placed(ledger: Ledger, gateway: string, need = small): { engine: string; ledger: Ledger } {
  const found = place(ledger, placing(gateway, [...ledger.keys()], need));
  if ('refused' in found) throw new Error(found.refused);
  return found;
}

describe('a disk of which the settings say nothing', () => {
  test('is never promised twice, however often it is counted, used or not (K-6)', () => {
    const amount = fc.integer({ min: 0, max: 1_000 });
    const uses = fc.array(fc.record({ asks: amount, uses: amount }), { maxLength: 40 });
    fc.assert(
      fc.property(amount, uses, (total, all) => {
        let [there, promised, used] = [diskThere(total, 0, undefined), 0, 0];
        for (const { asks, uses: more } of all) {
          if (promised + asks <= there) promised += asks;
          used = Math.min(promised, used + more);
          there = diskThere(total - used, promised, there);
          expect(there).toBe(total);
        }
      }),
    );
  });

  test('has what is free of it once it grew, and less where others fill it', () => {
    expect(diskThere(300, 50, 100)).toBe(300);
    expect(diskThere(20, 50, 100)).toBe(70);
  });
});

describe('an engine that has another id now', () => {
  const bigger: Need = { ...small, memoryMb: 4_096 };

  test('keeps what it has promised to whoever is told of by its former id', () => {
    const { ledger } = placed(ledgerOf(host('now')), 'g1');
    const whose = { gateway: 'g1', birth: '7k3fq2' };
    const told = promise(ledger, whose, pageOf(ledger, whose, 'former'), bigger);
    expect([...told.values()].map(promisedOf)).toEqual([bigger]);
    const over = promise(told, whose, pageOf(told, whose, 'former'), gone);
    expect([...over.values()].map(promisedOf)).toEqual([gone]);
    expect(pageOf(over, whose, 'former')).toBe('former');
  });

  test('has one page, with every promise and the word of an operator', () => {
    const before = placed(ledgerOf(host('former')), 'g1').ledger;
    const ledger = new Map([...before].map(([id, page]) => [id, { ...page, cordoned: true }]));
    const both = promise(new Map([...ledger, ['now', host('now')]]), { gateway: 'g2', birth: '7k3fq2' }, 'now', small);
    const [page, ...rest] = renamed(both, [{ engine: 'now', was: ['former'] }]).values();
    expect(rest).toEqual([]);
    expect(page).toMatchObject({ engine: 'now', cordoned: true });
    expect(page && promisedOf(page)).toEqual({ ...small, memoryMb: 4_096, cpus: 4 });
    expect(renamed(ledger, [{ engine: 'unread', was: ['former'] }])).toEqual(ledger);
  });
});

describe('the ledger of hosts', () => {
  test('gateways go where most room is left in proportion, and the same one to the same host again', () => {
    let ledger = ledgerOf(host('e1', { memoryMb: 8_192 }), host('e2', { memoryMb: 16_384 }));
    const where: string[] = [];
    for (const id of ['g1', 'g2', 'g3', 'g4']) {
      const found = placed(ledger, id);
      ledger = found.ledger;
      where.push(found.engine);
    }
    expect(where).toEqual(['e2', 'e1', 'e2', 'e2']);
    for (const [index, id] of ['g1', 'g2', 'g3', 'g4'].entries()) {
      expect(placed(ledger, id)).toEqual({ engine: where[index], ledger });
    }
  });

  test('without room each host is named with what it lacks, and nothing is promised', () => {
    const ledger = ledgerOf(
      host('e1', { memoryMb: 1_024, diskMb: 5_120 }),
      host('e2', { cpus: 1 }),
      host('e3', { cordoned: true }),
      host('e4', { memoryMb: 8_192 }),
    );
    const asked = { ...placing('g1', ['e1', 'e2', 'e3', 'e5'], { ...small, diskMb: 10_240 }), silent: ['e4'] };
    expect(place(ledger, asked)).toEqual({
      refused: expect.stringMatching(
        /^no host has room for g1, which asks for 2 GB of memory, 2 processors and 10 GB of disk\. h-e1: it lacks memory \(1 GB of 1 GB left\) and disk \(5 GB of 5 GB left\); h-e2: it lacks processors \(1 of 1 left\); h-e3: it is cordoned; e5: what it has could not be read; h-e4: no worker/,
      ),
    });
    expect([...ledger.values()].every(({ promises }) => promises.size === 0)).toBe(true);
  });

  test('who is to be fenced in goes where the fence was found to stand first, and is refused nowhere for what was found before (row 72)', () => {
    const shut = { at: 1, open: [], untold: [] };
    const open = { at: 1, open: ['private networks'], untold: [] };
    const ledger = ledgerOf(host('e1', { fence: open, memoryMb: 65_536 }), host('e2', { fence: shut }));
    const asked = { ...placing('g1', ['e1', 'e2']), fenced: true } as const;
    expect(place(ledger, asked)).toMatchObject({ engine: 'e2' });
    expect(place(ledger, { ...asked, engines: ['e1'] })).toMatchObject({ engine: 'e1' });
    expect(place(ledger, placing('g1', ['e1', 'e2']))).toMatchObject({ engine: 'e1' });
  });

  test('of many hosts the first twenty are named', () => {
    const ledger = ledgerOf(...Array.from({ length: 50 }, (_, index) => host(`e${index}`, { cpus: 1 })));
    expect(place(ledger, placing('g1', [...ledger.keys()]))).toEqual({
      refused: expect.stringMatching(/(h-e\d+: it lacks [^;]+; ){20}and 30 other hosts\. /),
    });
  });

  test('above the ceiling nobody is placed, whatever room there is, but who was placed before is', () => {
    const ledger = placed(placed(ledgerOf(host('e1'), host('e2')), 'g1').ledger, 'g2').ledger;
    const asked = (gateway: string, ceiling: number) => place(ledger, { ...placing(gateway, ['e1', 'e2']), ceiling });
    expect(asked('g3', 3)).toHaveProperty('engine');
    expect(asked('g2', 2)).toHaveProperty('engine');
    expect(asked('g3', 2)).toEqual({
      refused: expect.stringMatching(
        /^g3 would be above the ceiling: the hosts may have 2 gateways together, and have 2\./,
      ),
    });
    const kept = promise(ledger, { gateway: 'g1', birth: '7k3fq2' }, 'e1', { ...gone, diskMb: 9 });
    expect(place(kept, { ...placing('g3', ['e1', 'e2']), ceiling: 2 })).toHaveProperty('engine');
  });

  test('who is to have more gets it where it stands or nowhere, cordoned or not, and is counted once by the ceiling (K-6)', () => {
    const both = ledgerOf(host('e1', { memoryMb: 8_192 }), host('e2', { memoryMb: 65_536, cordoned: true }));
    const ledger = placed(placed(both, 'g1').ledger, 'g2').ledger;
    const asked = (engine: string, memoryMb: number) =>
      place(ledger, { ...placing('g1', [engine], { ...small, memoryMb }), stands: true, ceiling: 2 });
    const given = asked('e1', 6_144);
    if ('refused' in given) throw new Error(given.refused);
    expect([given.engine, promisedOf(given.ledger.get('e1') ?? host('e1')).memoryMb]).toEqual(['e1', 8_192]);
    expect(asked('e1', 6_145)).toEqual({
      refused: expect.stringMatching(
        /^host h-e1, where g1 stands, has no room for it with .*: it lacks memory \(6 GB of 8 GB left\)/,
      ),
    });
    expect(place(ledger, placing('g1', ['e1', 'e2'], { ...small, memoryMb: 16_384 }))).toHaveProperty('refused');
    const kept = promise(ledger, { gateway: 'g1', birth: '7k3fq2' }, 'e2', { ...gone, diskMb: 9 });
    const back = { ...placing('g1', ['e2'], { ...small, diskMb: 9 }), stands: true } as const;
    expect(place(kept, back)).toMatchObject({ engine: 'e2' });
    expect(place(kept, { ...back, ceiling: 1 })).toHaveProperty('refused');
  });

  test('an operator’s word on a cordon counts, not that of the settings', () => {
    const one = host('e1', { cordoned: true });
    expect([isCordoned(one), isCordoned({ ...one, cordoned: false })]).toEqual([true, false]);
    expect(placed(ledgerOf({ ...one, cordoned: false }), 'g1').engine).toBe('e1');
  });

  test('what is released is there for the next, and a kept state keeps its disk', () => {
    const whole = { memoryMb: 2_048, cpus: 2, diskMb: 4_096 };
    const whose = { gateway: 'g1', birth: '7k3fq2' };
    const full = placed(ledgerOf(host('e1', whole)), 'g1', { ...small, diskMb: 4_096 }).ledger;
    expect(place(full, placing('g2', ['e1']))).toHaveProperty('refused');
    const kept = promise(full, whose, 'e1', { ...gone, diskMb: 4_096 });
    expect(place(kept, placing('g2', ['e1'], { ...small, diskMb: 1 }))).toHaveProperty('refused');
    expect(placed(kept, 'g2').engine).toBe('e1');
    expect(placed(promise(kept, whose, 'e1', gone), 'g2', { ...small, diskMb: 4_096 }).engine).toBe('e1');
  });

  test('a count finds what is there, leaves alone what changed meanwhile, and gives up at the second miss only', () => {
    const key = (gateway: string) => keyOf({ gateway, birth: '7k3fq2' });
    let ledger = ledgerOf(host('e1'));
    for (const id of ['old', 'new', 'grown']) ledger = placed(ledger, id).ledger;
    const [page] = ledger.values();
    if (!page) throw new Error('no page');
    const found = new Map([
      [key('grown'), small],
      [key('unknown'), { ...small, memoryMb: 4_096 }],
    ]);
    const names = (each: LedgerHost) => ['old', 'new', 'grown', 'unknown'].filter((id) => each.promises.has(key(id)));
    const once = recounted(page, found, new Set([key('new')]));
    expect(names(once)).toEqual(['old', 'new', 'grown', 'unknown']);
    const twice = recounted(once, found, new Set());
    expect(names(twice)).toEqual(['new', 'grown', 'unknown']);
    expect(promisedOf(twice)).toEqual({ memoryMb: 8_192, cpus: 6, diskMb: 0 });
    expect(names(recounted(twice, new Map(), new Set()))).toEqual([]);
  });

  test('what changes while a count goes on is as it became, whatever the count had seen before', () => {
    const key = (gateway: string) => keyOf({ gateway, birth: '7k3fq2' });
    const [grown] = placed(ledgerOf(host('e1')), 'grown', { ...small, memoryMb: 4_096 }).ledger.values();
    const found = new Map([
      [key('grown'), small],
      [key('released'), small],
    ]);
    const counted = grown && recounted(grown, found, new Set([key('grown'), key('released')]));
    expect(counted && promisedOf(counted)).toEqual({ memoryMb: 4_096, cpus: 2, diskMb: 0 });
  });

  const need = fc.record({
    memoryMb: fc.integer({ min: 1_536, max: 20_000 }),
    cpus: fc.integer({ min: 10, max: 800 }).map((each) => each / 100),
    diskMb: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40_000 })),
  });
  const act = fc.oneof(
    fc.record({ does: fc.constant('place'), gateway: fc.integer({ min: 1, max: 30 }), need }),
    fc.record({ does: fc.constant('release'), gateway: fc.integer({ min: 1, max: 30 }), need: fc.constant(gone) }),
    fc.record({ does: fc.constant('carry'), gateway: fc.constant(0), need: fc.constant(gone) }),
  );

  test('whatever is asked in whatever order, no host is promised more than it has, and nobody is placed twice', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
        let ledger = ledgerOf(
          host('e1', { memoryMb: 40_000, cpus: 8, diskMb: 60_000 }),
          host('e2', { memoryMb: 16_000, cpus: 32 }),
          host('e3', { memoryMb: 64_000, cpus: 4, diskMb: 20_000 }),
        );
        const stands = new Map<number, string>();
        for (const { does, gateway, need: wanted } of acts) {
          const id = `g${gateway}`;
          if (does === 'carry') ledger = readLedger(JSON.parse(JSON.stringify(carryLedger(ledger))));
          if (does === 'release') {
            ledger = promise(ledger, { gateway: id, birth: '7k3fq2' }, stands.get(gateway) ?? '', wanted);
            stands.delete(gateway);
          }
          if (does === 'place') {
            const found = place(ledger, placing(id, ['e1', 'e2', 'e3'], wanted));
            const had = ledger
              .get(stands.get(gateway) ?? '')
              ?.promises.get(keyOf({ gateway: id, birth: '7k3fq2' }))?.need;
            const isCovered =
              had && had.memoryMb >= wanted.memoryMb && had.cpus >= wanted.cpus && had.diskMb >= wanted.diskMb;
            if ('refused' in found) expect(isCovered ?? false).toBe(false);
            else {
              expect(stands.get(gateway) ?? found.engine).toBe(found.engine);
              stands.set(gateway, found.engine);
              ledger = found.ledger;
            }
          }
          for (const each of ledger.values()) {
            const { memoryMb, cpus, diskMb } = promisedOf(each);
            expect(memoryMb).toBeLessThanOrEqual(each.capacity.memoryMb);
            expect(cpus).toBeLessThanOrEqual(each.capacity.cpus);
            expect(diskMb).toBeLessThanOrEqual(each.capacity.diskMb ?? Infinity);
          }
          const promises = [...ledger.values()].flatMap((each) => [...each.promises.keys()]);
          expect(promises.toSorted()).toEqual(
            [...stands.keys()].map((each) => keyOf({ gateway: `g${each}`, birth: '7k3fq2' })).toSorted(),
          );
        }
      }),
      { numRuns: 150 },
    );
  });

  test('ten thousand gateways, each of another size, on a hundred hosts are carried in 256 KB, and read back the same', () => {
    const found = new Map(
      Array.from({ length: 10_000 }, (_, index) => [
        keyOf({ gateway: `gateway-of-a-long-name-${index}`, birth: '7k3fq2' }),
        { memoryMb: 1_536 + index, cpus: (100 + index) / 100, diskMb: index * 10 },
      ]),
    );
    expect(found.size).toBe(10_000);
    expect(jsonBytes(carryCount(found))).toBeLessThan(256 * 1024);
    expect(readCount(carryCount(found))).toEqual(found);
    const lives = [...found];
    const hosts = Array.from({ length: 100 }, (_, index) =>
      recounted(
        host(`8c3f1e7a-55aa-4c1e-9d3b-${index}`),
        new Map(lives.slice(index * 100, index * 100 + 100)),
        new Set(),
      ),
    );
    const carried = carryLedger(ledgerOf(...hosts));
    expect(jsonBytes({ version: 1, hosts: carried, countedAt: Date.now() })).toBeLessThan(256 * 1024);
    expect(readLedger(JSON.parse(JSON.stringify(carried)))).toEqual(ledgerOf(...hosts));
  });
});
