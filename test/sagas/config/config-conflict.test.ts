import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createActivities, type Activities } from '../../../src/activities/activities.js';
import type { Changing } from '../../../src/domain/gateway/changing.js';
import { Refused } from '../../../src/domain/errors.js';
import { configFile } from '../../../src/domain/gateway/config.js';
import type { Rotation } from '../../../src/domain/changes/rotation.js';
import { configReadings } from '../../../src/domain/thresholds.js';
import type { GatewayDoor, Knock, Session } from '../../../src/ports/gateway-door.js';
import { openTestWorld, type TestWorld } from '../../world/open-test-world.js';
import { replaceFile } from '../../world/directory-files.js';
import { rotate } from '../../../src/workflows/rotate/operation.js';
import { ChangeStage } from '../proofs/change-stage.js';

let world: TestWorld;
let stage: ChangeStage;
let edits = 0;

beforeEach(async () => {
  world = openTestWorld();
  stage = new ChangeStage(world, { operation: rotate, steps: [], owns: [] });
  await stage.provision();
});
afterEach(() => world.close());

/** A door through which somebody edits the config each time between reading and patching it, for as long as edits are left. */
function editedDoor(): GatewayDoor {
  const { door } = world.deps;
  const wrap = (session: Session): Session => ({
    hello: session.hello,
    closed: session.closed,
    close: () => session.close(),
    call: async (method, params) => {
      const answer = await session.call(method, params);
      if (method === 'config.get' && edits > 0) edit();
      return answer;
    },
  });
  const knock = async (...args: Parameters<GatewayDoor['knock']>): Promise<Knock> => {
    const knocked = await door.knock(...args);
    return knocked.kind === 'open' ? { kind: 'open', session: wrap(knocked.session) } : knocked;
  };
  return new Proxy(door, {
    get: (target, name) => (name === 'knock' ? knock : Reflect.get(target, name).bind(target)),
  });
}

function configPath(): string {
  return path.join(world.root, 'files', stage.names.volume, configFile);
}

function edit(): void {
  edits -= 1;
  const config = JSON.parse(fs.readFileSync(configPath(), 'utf8')) as Record<string, unknown>;
  replaceFile(configPath(), JSON.stringify({ ...config, [`edit${edits}`]: { by: 'somebody else' } }));
}

function activities(): Activities {
  return createActivities({ ...world.deps, door: editedDoor() });
}

function rotation(): Changing<Rotation> {
  const change: Rotation = {
    kind: 'rotate',
    nextTokenGeneration: 2,
    nextDeviceGeneration: 1,
    reclaim: false,
    evict: false,
    approved: [],
  };
  return { ...stage.gateway, change };
}

describe('a config that somebody edits while the token is changed', () => {
  test('is read again, and both changes stand', async () => {
    edits = configReadings - 1;
    expect(await activities().ensureToken(rotation())).toContain('generation 2 in force');
    expect(JSON.parse(fs.readFileSync(configPath(), 'utf8'))).toMatchObject({
      edit0: { by: 'somebody else' },
      edit1: { by: 'somebody else' },
    });
  });

  test('again and again ends the change, and says so', async () => {
    edits = configReadings;
    await expect(activities().ensureToken(rotation())).rejects.toThrow(Refused);
    expect(await world.activities.findGateway(stage.gateway)).toMatchObject({ operatorScopes: ['operator.admin'] });
  });
});
