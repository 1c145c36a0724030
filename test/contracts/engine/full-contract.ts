import { describe, expect, test } from 'vitest';
import { Refused } from '../../../src/domain/errors.js';
import { Scene, type EngineUnderTest } from '../../ground/engines/engine-under-test.js';

/** What an engine promises whose disk is full for as long as something goes on. */
export function fullContract(
  open: () => EngineUnderTest,
  whileFull: (act: () => Promise<void>) => Promise<void>,
): void {
  describe('a full disk under the engine', () => {
    test('refuses what needs room, saying where and what now, and leaves no half of it; with room it works', async () => {
      const { engine } = open();
      const scene = new Scene(open(), 'full');
      const spec = await scene.parts();
      await whileFull(async () => {
        const made = engine.createContainer(spec);
        await expect(made).rejects.toThrow(Refused);
        await expect(made).rejects.toThrow(/no room on its host .*no space left on device/s);
        expect(await engine.findContainer(spec.name)).toBeUndefined();
      });
      expect(await engine.createContainer(spec)).toBe('created');
      expect(await engine.startContainer((await scene.find(spec.name)).id)).toBe('running');
    });

    test('refuses to start, rename or change what is there, and leaves it as it was', async () => {
      const { engine } = open();
      const scene = new Scene(open(), 'stuck');
      const { id, name } = await scene.container();
      await whileFull(async () => {
        for (const asked of [
          () => engine.startContainer(id),
          () => engine.renameContainer(id, `${name}-old`),
          () => engine.setRestartPolicy(id, 'no'),
        ])
          await expect(asked()).rejects.toThrow(/no room on its host|no space left/i);
      });
      expect(await scene.find(name)).toMatchObject({ id, restartPolicy: 'no' });
      expect(await engine.startContainer(id)).toBe('running');
    });
  });
}
