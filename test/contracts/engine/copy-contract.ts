import { expect, test } from 'vitest';
import { sourceLabel, wayLabel } from '../../../src/domain/changes/copying.js';
import { NotYet, Refused, StartOver } from '../../../src/domain/errors.js';
import {
  readStateMark,
  stateMarkFile,
  stateMarkPath,
  writeStateMark,
  type StateMark,
} from '../../../src/domain/gateway/state-mark.js';
import type { Container, DockerEngine, VolumeCopy } from '../../../src/ports/docker-engine.js';
import { target, type Scene } from '../../ground/engines/engine-under-test.js';
import { patienceMs } from '../../ground/patience.js';

type Scenes = (gateway: string) => Scene;

const file = (content: string) => ({ path: 'kept.json', content, mode: 0o600, uid: 1000 });
const place = `${target}/kept.json`;

/** A state with a stopped container that was set aside, and two shelves to save it in. */
class Copied {
  readonly scene: Scene;
  readonly engine: DockerEngine;
  readonly id: string;

  private constructor(scene: Scene, id: string) {
    this.scene = scene;
    this.engine = scene.engine;
    this.id = id;
  }

  static async open(scene: Scene): Promise<Copied> {
    const { id } = await scene.container();
    const copied = new Copied(scene, id);
    await copied.write('first');
    for (const shelf of ['a', 'b']) await copied.shelf(shelf);
    await scene.engine.renameContainer(id, `${scene.base}-old`);
    return copied;
  }

  /** The copy of a replacement between the state and a shelf. */
  of(shelf: string, number = 7): VolumeCopy {
    const { base, labels, world } = this.scene;
    return {
      state: `${base}-state`,
      saved: `${base}-snap-${shelf}`,
      copier: `${base}-copy`,
      gateway: base,
      labels: { ...labels, 'creel.replacement': String(number) },
      imageId: world.imageId,
      whole: { birth: '7k3fq2', release: '2026.9.6', copy: `${shelf}/${number}`, whole: true },
    };
  }

  async write(content: string): Promise<void> {
    await this.engine.writeFiles(this.id, target, [file(content)]);
  }

  async read(): Promise<string | undefined> {
    return this.engine.readFile(this.id, place);
  }

  async mark(): Promise<StateMark | undefined> {
    return readStateMark(await this.engine.readFile(this.id, stateMarkPath));
  }

  async copier(): Promise<Container | undefined> {
    return this.engine.findContainer(this.of('a').copier);
  }

  async shelf(shelf: string): Promise<void> {
    await this.engine.createVolume({ name: this.of(shelf).saved, labels: this.scene.labels });
  }

  /** Both shelves hold a state, `in a` and `in b`, and the state is another one. */
  async shelved(): Promise<this> {
    for (const shelf of ['a', 'b']) {
      await this.write(`in ${shelf}`);
      await this.engine.saveVolume(this.of(shelf, 1));
    }
    await this.write('present');
    return this;
  }

  /** As `shelved`, and a third shelf holds a state `present` that takes a while to copy. */
  async slow(): Promise<this> {
    await this.shelved();
    await this.scene.world.fill(this.of('c').state);
    await this.shelf('c');
    await this.engine.saveVolume(this.of('c'));
    await this.engine.restoreVolume(this.of('b'));
    return this;
  }

  /** Begins a copy whose worker dies in its middle: the copier goes on without it, until it is held back no longer. */
  async leaveBehind(ask: (engine: DockerEngine) => Promise<unknown>): Promise<void> {
    this.scene.world.holdBack();
    const worker = new AbortController();
    const asked = ask(this.scene.world.askedBy(worker.signal)).catch((error: unknown) => error);
    await this.underWay();
    worker.abort(new Error('the worker is dead'));
    expect(await asked).toMatchObject({ message: 'the worker is dead' });
  }

  async underWay(): Promise<void> {
    const state = async () => (await this.copier())?.state;
    await expect.poll(state, { interval: 10, timeout: patienceMs }).toMatch(/running|other/); // Where it is held, it is paused.
  }

  /** Begins a copy that is killed in its middle: not before it has begun to write what `begun` sees. */
  async cutShort(ask: (engine: DockerEngine) => Promise<unknown>, begun = async () => true): Promise<void> {
    const { world } = this.scene;
    world.holdBack();
    const copy = { isOver: false };
    const asked = ask(this.engine)
      .catch((error: unknown) => error)
      .finally(() => (copy.isOver = true));
    await this.underWay();
    while (!copy.isOver && !(await begun())) {
      world.letEnd();
      await new Promise((resolve) => setTimeout(resolve, 5));
      world.holdBack();
    }
    if (!copy.isOver) await world.crash(this.of('a').copier);
    expect(await asked).toMatchObject({ message: expect.stringContaining('exit 137') });
    this.scene.world.letEnd();
  }
}

/** Asks until the answer is another than "not yet", and says what it was when a copy has long been over. */
async function insist<T>(ask: () => Promise<T>): Promise<T> {
  const until = Date.now() + patienceMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof NotYet) || Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Takes a test in: runs it, or keeps it to be run against an engine that is known to be wrong. */
type Prove = (title: string, run: () => Promise<void>) => void;

/** What `DockerEngine` promises of copies between a state and what is saved of it. */
export function copies(scenes: Scenes, prove: Prove = test): void {
  plainCopies(scenes, prove);
  interrupted(scenes, prove);
  asleep(scenes, prove);
}

function plainCopies(scenes: Scenes, prove: Prove): void {
  prove('what was saved comes back as it was, and what came after it is gone', async () => {
    const copied = await Copied.open(scenes('copied'));
    const { engine, id } = copied;
    const copy = copied.of('a');
    expect(await engine.restoreVolume(copy)).toBe('nothing saved');
    expect(await copied.mark()).toBeUndefined();
    await engine.saveVolume(copy);
    await engine.writeFiles(id, target, [file('second'), { ...file('new'), path: 'new.json' }]);
    expect(await engine.restoreVolume(copy)).toBe('restored');
    expect(await engine.restoreVolume(copy)).toBe('restored');
    expect(await copied.read()).toBe('first');
    expect(await engine.readFile(id, `${target}/new.json`)).toBeUndefined();
    expect(await copied.mark()).toEqual(copy.whole);
    expect(await copied.copier()).toBeUndefined();
  });

  prove('what is saved stays as it is, also when it is saved again', async () => {
    const copied = await Copied.open(scenes('once'));
    await copied.engine.saveVolume(copied.of('a'));
    await copied.write('second');
    await copied.engine.saveVolume(copied.of('a'));
    await copied.engine.restoreVolume(copied.of('a'));
    expect(await copied.read()).toBe('first');
  });

  prove(
    'what an owner has put in the place of the mark is no mark, and neither stops a copy nor leads it elsewhere',
    async () => {
      const copied = await Copied.open(scenes('forged'));
      const { engine, scene, id } = copied;
      const pranks = [
        'mkdir MARK; touch MARK/whole; mkfifo MARK.new',
        'ln -s kept.json MARK; ln -s kept.json MARK.new',
        'mkfifo MARK; mkdir MARK.new',
      ];
      for (const [index, prank] of pranks.entries()) {
        const script = `rm -rf MARK MARK.new; ${prank}`.replaceAll('MARK', stateMarkFile);
        const copy = copied.of(`s${index}`);
        await copied.shelf(`s${index}`);
        await copied.write('first');
        await scene.world.asOwner(copy.state, script);
        await expect(copied.mark()).rejects.toThrow(Refused);
        await engine.saveVolume(copy);
        await copied.write('second');
        expect(await engine.restoreVolume(copy)).toBe('restored');
        expect(await copied.read()).toBe('first');
        expect(await copied.mark()).toEqual(copy.whole);
        await scene.world.asOwner(copy.state, script);
        await engine.writeFiles(id, target, [{ ...file(writeStateMark(copy.whole)), path: stateMarkFile }]);
        expect(await copied.mark()).toEqual(copy.whole);
      }
    },
  );

  prove('a volume on which a container runs is neither saved nor restored', async () => {
    const copied = await Copied.open(scenes('busy'));
    const { engine, id } = copied;
    await engine.startContainer(id);
    await expect(engine.saveVolume(copied.of('a'))).rejects.toThrow(NotYet);
    await expect(engine.restoreVolume(copied.of('a'))).rejects.toThrow(NotYet);
    await engine.stopContainer(id, 1);
    await engine.saveVolume(copied.of('a'));
  });

  prove('a volume whose gateway has its name, running or not, is neither saved nor restored', async () => {
    const copied = await Copied.open(scenes('own-name'));
    const { engine, id, scene } = copied;
    await engine.renameContainer(id, scene.base);
    await expect(engine.saveVolume(copied.of('a'))).rejects.toThrow(NotYet);
    await expect(engine.restoreVolume(copied.of('a'))).rejects.toThrow(NotYet);
    expect(await copied.copier()).toBeUndefined();
    await engine.renameContainer(id, `${scene.base}-old`);
    await engine.saveVolume(copied.of('a'));
  });

  prove('a volume that is gone is not made in its place', async () => {
    const copied = await Copied.open(scenes('nowhere'));
    const none = { ...copied.of('a'), saved: `${copied.scene.base}-none` };
    await expect(copied.engine.saveVolume(none)).rejects.toThrow(StartOver);
    await expect(copied.engine.restoreVolume(none)).rejects.toThrow(StartOver);
    expect(await copied.engine.findVolume(none.saved)).toBeUndefined();
  });
}

function interrupted(scenes: Scenes, prove: Prove): void {
  prove('a save under way is not taken for a restore: what is asked for is in the volume', async () => {
    const copied = await (await Copied.open(scenes('save-then'))).slow();
    const { engine, scene } = copied;
    await engine.restoreVolume(copied.of('c'));
    await copied.shelf('d');
    await copied.leaveBehind((other) => other.saveVolume(copied.of('d')));
    scene.world.letEnd();
    expect(await insist(() => engine.restoreVolume(copied.of('b')))).toBe('restored');
    expect(await copied.read()).toBe('in b');
    expect(await copied.mark()).toEqual(copied.of('b').whole);
  });

  prove('a copy that is over and whose answer nobody took is no other copy either', async () => {
    const copied = await (await Copied.open(scenes('untaken'))).slow();
    const { engine, scene } = copied;
    await engine.restoreVolume(copied.of('c'));
    await copied.shelf('d');
    await copied.leaveBehind((other) => other.saveVolume(copied.of('d')));
    scene.world.letEnd();
    await expect.poll(async () => (await copied.copier())?.state, { timeout: patienceMs }).toBe('exited');
    expect((await copied.copier())?.labels).toMatchObject({ [wayLabel]: 'save', [sourceLabel]: copied.of('a').state });
    expect(await engine.restoreVolume(copied.of('b'))).toBe('restored');
    expect(await copied.read()).toBe('in b');
  });

  prove(
    'a restore under way from elsewhere, or of another number, is not taken for the one that is asked for',
    async () => {
      const copied = await (await Copied.open(scenes('elsewhere'))).slow();
      const { engine, scene } = copied;
      for (const next of [copied.of('b'), copied.of('c', 8)]) {
        await copied.leaveBehind((other) => other.restoreVolume(copied.of('c')));
        scene.world.letEnd();
        expect(await insist(() => engine.restoreVolume(next))).toBe('restored');
        expect(await copied.read()).toBe(next.saved === copied.of('b').saved ? 'in b' : 'present');
        expect(await copied.mark()).toEqual(next.whole);
      }
    },
  );

  prove('the same copy under way is joined: one copier makes it', async () => {
    const copied = await (await Copied.open(scenes('joined'))).slow();
    const { engine, scene } = copied;
    await copied.leaveBehind((other) => other.restoreVolume(copied.of('c')));
    const [first, joined] = [await copied.copier(), engine.restoreVolume(copied.of('c'))];
    expect((await copied.copier())?.id).toBe(first?.id);
    scene.world.letEnd();
    expect(await joined).toBe('restored');
    expect(await copied.read()).toBe('present');
    expect(await copied.copier()).toBeUndefined();
  });

  prove('a save waits for another copy under way, and then saves what that one brought', async () => {
    const copied = await (await Copied.open(scenes('waits'))).slow();
    const { engine, scene } = copied;
    await copied.leaveBehind((other) => other.restoreVolume(copied.of('c')));
    await copied.shelf('d');
    await expect(engine.saveVolume(copied.of('d'))).rejects.toThrow(/is at another copy of volume/);
    scene.world.letEnd();
    await insist(() => engine.saveVolume(copied.of('d')));
    await engine.restoreVolume(copied.of('b'));
    await engine.restoreVolume(copied.of('d'));
    expect(await copied.read()).toBe('present');
  });

  prove(
    'a restore that is killed leaves a state that says it is torn, is not saved, and is whole after another',
    async () => {
      const copied = await (await Copied.open(scenes('torn'))).slow();
      const { engine } = copied;
      const torn = { ...copied.of('c').whole, whole: false };
      const begun = async () => (await copied.mark())?.whole === false;
      await copied.cutShort((asked) => asked.restoreVolume(copied.of('c')), begun);
      expect(await copied.mark()).toEqual(torn);
      await copied.shelf('d');
      await expect(engine.saveVolume(copied.of('d'))).rejects.toThrow(Refused);
      expect(await engine.restoreVolume(copied.of('d'))).toBe('nothing saved');
      expect(await copied.mark()).toEqual(torn);
      expect(await engine.restoreVolume(copied.of('c'))).toBe('restored');
      expect(await copied.read()).toBe('present');
      expect(await copied.mark()).toEqual(copied.of('c').whole);
    },
  );

  prove('an errand under the same name ends no copy', async () => {
    const copied = await (await Copied.open(scenes('errand-by'))).slow();
    const { engine, scene } = copied;
    await copied.leaveBehind((other) => other.restoreVolume(copied.of('c')));
    const { copier: name, labels, imageId, state: volume } = copied.of('c');
    const errand = { name, labels, imageId, command: ['true'], limitMs: 20_000 };
    const measure = () => engine.runErrand({ ...errand, mounts: [{ volume, target, readOnly: true }] });
    await expect(measure()).rejects.toThrow(NotYet);
    scene.world.letEnd();
    expect((await insist(measure)).exitCode).toBe(0);
    expect(await copied.read()).toBe('present');
    expect(await copied.mark()).toEqual(copied.of('c').whole);
  });

  prove('a save that is killed has saved nothing, and another saves the whole', async () => {
    const copied = await Copied.open(scenes('half'));
    const { engine, scene } = copied;
    await scene.world.fill(copied.of('a').state);
    await copied.cutShort((asked) => asked.saveVolume(copied.of('a')));
    expect(await engine.restoreVolume(copied.of('a'))).toBe('nothing saved');
    await engine.saveVolume(copied.of('a'));
    await copied.write('second');
    await engine.restoreVolume(copied.of('a'));
    expect(await copied.read()).toBe('first');
  });

  prove('a copier of an older creel, which does not say which way it goes, is never joined', async () => {
    const copied = await (await Copied.open(scenes('older'))).shelved();
    const { engine, scene } = copied;
    const { copier: name, labels } = copied.of('a');
    await engine.createContainer({ ...(await scene.spec()), name, labels });
    await engine.startContainer((await scene.find(name)).id);
    expect(await engine.restoreVolume(copied.of('b'))).toBe('restored');
    expect(await copied.read()).toBe('in b');
  });
}

function asleep(scenes: Scenes, prove: Prove): void {
  for (const way of ['saveVolume', 'restoreVolume'] as const) {
    prove(
      `a copy (${way}) that is asked, sleeps, and goes on after the next container has started does nothing`,
      async () => {
        const copied = await (await Copied.open(scenes(`asleep-${way.slice(0, 4)}`))).shelved();
        const { engine, scene } = copied;
        const asked = { ...copied.of('a', 8), ...(way === 'saveVolume' && { saved: `${scene.base}-snap-c` }) };
        await engine.createVolume({ name: asked.saved, labels: scene.labels });
        const sleeper = await scene.world.sleeper();
        const fails = sleeper.engine[way](asked).catch((error: unknown) => error);
        await expect.poll(sleeper.asleep, { interval: 10, timeout: patienceMs }).toBe(true);
        const dormant = await copied.copier();
        expect(dormant?.state).toBe('created');
        await engine.renameContainer(copied.id, scene.base);
        await engine.removeContainer(dormant?.id ?? ''); // As whatever starts a gateway does: `startOnState`.
        await engine.startContainer(copied.id);
        sleeper.wake();
        expect(await fails).toBeInstanceOf(NotYet);
        await sleeper.close();
        expect(await copied.copier()).toBeUndefined();
        expect(await copied.read()).toBe('present');
        await engine.stopContainer(copied.id, 1);
        await engine.renameContainer(copied.id, `${scene.base}-old`);
        if (way === 'saveVolume') expect(await engine.restoreVolume(asked)).toBe('nothing saved');
      },
    );
  }
}
