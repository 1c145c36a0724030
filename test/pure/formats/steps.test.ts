import { describe, expect, test } from 'vitest';
import { createActivities } from '../../../src/activities/activities.js';
import { provisionSteps, stateStep } from '../../../src/workflows/provision/operation.js';
import { operations, registry, stepsOf } from '../../../src/workflows/operations.js';
import { type Step } from '../../../src/workflows/saga/step.js';

/** Every activity there is, by name: creating them calls nothing of the world. */
const activities = Object.keys(createActivities(new Proxy(Object.create(null), { get: () => undefined })));

const steps = Object.entries<Step>(registry);

/** Why nothing of these is undone by an activity of its own. */
const withoutUndo: Record<string, string> = {
  ensureHost: 'only reads: it refuses before anything exists',
  ensureMachineAddress: 'an address of a machine is released with it',
  ensureFirewall: 'a firewall goes with its machine',
  ensureMetadataFence: 'what a machine tells its containers goes with it',
  ensureRelease: 'an image is shared between gateways, and the next one wants it',
  ensureOperator: 'the paired device lies in the state volume and goes with it',
  ensureShutOut: 'who was shut out comes back by pairing, which a person decides',
  ensureEvicted: 'who was put out comes back by pairing, which a person decides',
  ensureRetired: 'the way back pairs the device on record again',
  ensureDenial: 'a device whose request was turned down may ask again',
  ensureCutOff: 'a device that is cut off can only ask again, which is its own doing',
  ensureSenderShutOut: 'a chat sender who is shut out can only ask again, which is their own doing',
  ensureNextRelease: 'an image is shared between gateways, and the next one wants it',
  ensureReader: 'an image is shared between gateways, and the next one wants it',
  ensureSaved: 'the saved state goes with the volume that was made for it',
  ensureTaken: 'the gateway that was set aside gets its own state back',
  ensureCommitted: 'the gateway that was set aside is made anew',
  ensureDropped: 'what nobody goes back to is gone for good',
  ensureRestartPolicy: 'the policy is a property of the container and goes with it',
};

describe('the registry of steps', () => {
  test.each(steps)('%s names activities that exist', (_name, step) => {
    expect(activities).toContain(step.do);
    if (step.undo) expect(activities).toContain(step.undo);
  });

  test.each(steps)(
    '%s is undone by removeX or restoreX of its ensureX, or needs no undo for a written reason',
    (_name, step) => {
      const ensured = /^ensure(.+)$/.exec(step.do)?.[1];
      if (ensured === undefined) {
        expect(step.do).toMatch(/^(probe|find)/); // only reads
        expect(step.undo).toBeUndefined();
      } else if (step.undo === undefined) {
        expect(Object.keys(withoutUndo)).toContain(step.do);
      } else {
        expect([`remove${ensured}`, `restore${ensured}`]).toContain(step.undo);
      }
    },
  );

  test('has no reason written for an activity that is undone or gone', () => {
    const needed = steps.filter(([, step]) => step.do.startsWith('ensure') && !step.undo).map(([, step]) => step.do);
    expect(Object.keys(withoutUndo).toSorted()).toEqual(needed.toSorted());
  });

  test('uses every undo there is, and each activity for one step', () => {
    const removing = activities.filter((name) => /^(remove|restore)/.test(name));
    expect(steps.flatMap(([, step]) => step.undo ?? []).toSorted()).toEqual(removing.toSorted());
    expect(new Set(steps.map(([, step]) => step.do)).size).toBe(steps.length);
  });

  test('has the row of each step as every operation declares it: none is declared twice, and in two ways', () => {
    for (const [name, row] of operations.flatMap(({ steps: rows }) => Object.entries(rows)))
      expect(registry[name], name).toBe(row);
  });

  test.each(steps)('%s is an imperative of at most three lower-case words', (name) => {
    expect(name).toMatch(/^[a-z]+( [a-z]+){0,2}$/);
  });

  test('lets an operator skip the channels and the turn alone', () => {
    const optional = steps.filter(([, step]) => step.optional).map(([name]) => name);
    expect(optional).toEqual(['probe channels', 'prove turn']);
  });

  test('holds every step that a provision reads', () => {
    for (const name of provisionSteps) expect(Object.keys(registry)).toContain(name);
  });
});

describe('the steps of an operation', () => {
  test.each(['provision', 'repair', 'restore', 'take-up'] as const)('%s reads the whole list', (kind) => {
    expect(stepsOf(kind, [], true)).toEqual([...provisionSteps]);
  });

  test('a removal goes over what was ever entered, in the order of the list, without the state when it is kept', () => {
    const entered = ['start container', 'keep state', 'check host', 'no such step'];
    expect(stepsOf('remove', entered, false)).toEqual(['check host', 'keep state', 'start container']);
    expect(stepsOf('remove', entered, true)).toEqual(['check host', 'start container']);
  });

  test('a purge lets go of the state, and of what may hold it open', () => {
    expect(stepsOf('purge', ['keep state'], false)).toContain(stateStep);
  });
});
