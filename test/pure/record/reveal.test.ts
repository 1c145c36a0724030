import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createActivities, type Activities } from '../../../src/activities/activities.js';
import { Refused } from '../../../src/domain/errors.js';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import { newRecipient } from '../../../src/domain/keys/seal.js';
import { describeState } from '../../../src/workflows/record/describe.js';
import { newLife } from '../../../src/workflows/record/life.js';
import { emptyState } from '../../../src/workflows/record/state.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import { DirectoryAudit } from '../../world/directory-audit.js';
import { openTestWorld, testDeployment, type TestWorld } from '../../world/open-test-world.js';
import { noRecords } from '../../../src/releases/no-records.js';

let world: TestWorld;
let activities: Activities;
let life: Gateway;
let onRecord: Gateway | undefined;

beforeEach(() => {
  world = openTestWorld();
  life = world.gateway('g42');
  onRecord = life;
  const describe = async () => {
    const start = { layout: 1, deployment: testDeployment, gateway: 'g42', limits: defaultLimits } as const;
    const state = { ...emptyState(1, 0), life: onRecord && newLife(onRecord), phase: 'ready' as const };
    return describeState(start, state, undefined);
  };
  activities = createActivities({ ...world.deps, records: { ...noRecords, describe } });
});
afterEach(() => world.close());

/** What a caller is shown who believes that the gateway is this one. */
async function shown(gateway: Gateway): Promise<string> {
  const recipient = await newRecipient();
  const sealed = await activities.revealToken({ gateway, recipient: recipient.publicKey, who: 'ops@desk' });
  return (await recipient.open(sealed, 'creel token show g42')).reveal();
}

const written = () =>
  new DirectoryAudit(world.root)
    .entries()
    .map(({ who, generation, what, given }) => ({ who, generation, what, given }));

describe('the token that is shown', () => {
  test('is the one of the record, and the audit line says what was asked and what was given', async () => {
    onRecord = { ...life, tokenGeneration: 2 };
    expect(await shown(onRecord)).toBe(world.deps.keys.token(onRecord).reveal());
    expect(written()).toEqual([{ who: 'ops@desk', generation: 2, what: 'token shown', given: 2 }]);
  });

  test.each([2, 3, 999])(
    'is none of a generation that is not in force (%i): before an eviction nobody gets the next one',
    async (generation) => {
      await expect(shown({ ...life, tokenGeneration: generation })).rejects.toThrow(
        new Refused(`gateway g42 is at token generation 1, and ${generation} was asked for: ask again`),
      );
      expect(written()).toEqual([{ who: 'ops@desk', generation, what: 'token asked for', given: 'nothing' }]);
    },
  );

  test('is none of another life, of another deployment, or of a gateway without a record', async () => {
    const birth = { ...life, mark: { ...life.mark, birth: 'aaaaaa' } };
    await expect(shown(birth)).rejects.toThrow('lives with birth');
    await expect(shown({ ...life, mark: { ...life.mark, deployment: 'other' } })).rejects.toThrow(Refused);
    onRecord = undefined;
    await expect(shown(life)).rejects.toThrow('has no life on record');
    expect(written()).toEqual([]);
  });
});
