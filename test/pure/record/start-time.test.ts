import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCatalogue } from '../../../src/settings/catalogue.js';
import { readyMs } from '../../../src/cli/verbs/upgrade.js';
import { checkRequest } from '../../../src/workflows/entity/check.js';
import { newLife } from '../../../src/workflows/record/life.js';
import { emptyState } from '../../../src/workflows/record/state.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import { scratchDirectory } from '../../world/scratch.js';
import { openTestWorld } from '../../world/open-test-world.js';
import { refusal } from '../refusal.js';

describe('the time that somebody gives a start (S3-20)', () => {
  test('is refused below 45 s, on the command line and over the wire', () => {
    expect(readyMs(undefined)).toEqual({});
    expect(readyMs('45 seconds')).toEqual({ readyMs: 45_000 });
    for (const short of ['1s', '44 seconds', '0']) expect(refusal(() => readyMs(short))).toContain('too short');
    const world = openTestWorld();
    const place = { provider: 'local', host: 'local' } as const;
    const state = { ...emptyState(1, 0), life: newLife(world.gateway('g42')), phase: 'ready' as const };
    const asked = { kind: 'change', requestId: 'r', origin: 'test', place, memoryMb: 4096 } as const;
    const check = (ms: number) => checkRequest(state, { ...asked, readyMs: ms }, defaultLimits);
    expect(() => check(45_000)).not.toThrow();
    expect(refusal(() => check(44_999))).toContain('nothing is called unhealthy within 45 s of its start');
    world.close();
  });

  test('may stand in the catalogue, by release and for the first start after an upgrade, between 45 s and 330 s', () => {
    const file = path.join(scratchDirectory('creel-catalogue-'), 'catalogue.toml');
    const line = (more: string) => {
      fs.writeFileSync(file, `[[release]]\nversion = "2026.9.6"\nimage = "x"\ndev = true\n${more}\n`);
      return readCatalogue(file, file);
    };
    expect(line('ready_within = "2 minutes"\nfirst_ready_within = "5 minutes"')).toMatchObject([
      { readyMs: 120_000, firstReadyMs: 300_000 },
    ]);
    expect(refusal(() => line('ready_within = "10s"'))).toContain('45 to 330 seconds');
    expect(refusal(() => line('first_ready_within = "1h"'))).toContain('45 to 330 seconds');
  });
});
