import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'vitest';
import { createActivities } from '../../../src/activities/activities.js';
import { authoritiesFile, egressLabel, type Egress } from '../../../src/domain/hosts/egress.js';
import { replacementLabel, type Replacement } from '../../../src/domain/changes/replacement.js';
import { upgradeSteps } from '../../../src/workflows/replace/operation.js';
import { reshape } from '../../../src/workflows/reconfigure/operation.js';
import { openTestWorld, testSpec } from '../../world/open-test-world.js';
import type { ChangeStage } from '../proofs/change-stage.js';
import { proveChange } from '../proofs/prove-change.js';

const change: Replacement = {
  kind: 'change',
  number: 7,
  to: { ...testSpec, timezone: 'Europe/Berlin', environment: { COMPANY_NAME: 'Example' } },
  save: 'a',
  readyMs: 2_000,
};

const egress: Egress = {
  proxy: 'http://proxy.internal:3128',
  direct: ['.internal'],
  authorities: { pem: 'CERTIFICATES\n', fingerprint: 'ab12' },
};
const mark = '{"authorities":"ab12","direct":[".internal"],"proxy":"http://proxy.internal:3128"}';
const through = {
  HTTP_PROXY: egress.proxy,
  HTTPS_PROXY: egress.proxy,
  NO_PROXY: '127.0.0.1,localhost,::1,.internal',
  http_proxy: egress.proxy,
  https_proxy: egress.proxy,
  no_proxy: '127.0.0.1,localhost,::1,.internal',
  NODE_USE_ENV_PROXY: '1',
  NODE_EXTRA_CA_CERTS: '/home/node/.openclaw/.creel-ca.pem',
};

async function containerOf(stage: ChangeStage) {
  const found = await stage.world.engine.findContainer(stage.names.container);
  assert.ok(found);
  return { ...found, process: await stage.world.engine.findProcess(found.id) };
}

const certificates = (stage: ChangeStage) => path.join(stage.world.root, 'files', stage.names.volume, authoritiesFile);

describe('another time zone, environment and way out of its host', () =>
  proveChange({
    operation: reshape,
    steps: upgradeSteps,
    owns: ['rehearse replacement', 'make room', 'start replacement'],
    activities: ({ deps }) => createActivities({ ...deps, egress }),
    begin: async () => change,
    isDone: async (stage) => {
      const { labels, process, restartPolicy } = await containerOf(stage);
      assert.equal(labels[replacementLabel], '7');
      assert.deepEqual(process?.environment, {
        HOME: '/home/node',
        COMPANY_NAME: 'Example',
        TZ: 'Europe/Berlin',
        ...through,
      });
      assert.equal(labels[egressLabel], mark);
      assert.equal(fs.readFileSync(certificates(stage), 'utf8'), 'CERTIFICATES\n');
      assert.equal(fs.statSync(certificates(stage)).mode & 0o777, 0o600);
      assert.equal(restartPolicy, 'always');
    },
    isBack: async (stage) => {
      const { labels, process, state } = await containerOf(stage);
      assert.equal(labels[replacementLabel], undefined);
      // A container that has to be made again has the way out that its host has now, whatever its spec says.
      assert.deepEqual({ ...process?.environment, ...through }, { HOME: '/home/node', ...through });
      assert.equal(state, 'running');
    },
  }));

describe('a gateway whose host has another way out since', () => {
  it('is told by a look, with the command that makes its container anew', async () => {
    const world = openTestWorld();
    try {
      const gateway = world.gateway('g42');
      const begin = [
        'ensureHost',
        'ensureRelease',
        'ensureState',
        'ensureNetwork',
        'ensureConfig',
        'ensureContainer',
        'probeReadiness',
        'ensureOperator',
        'ensureRestartPolicy',
      ] as const;
      for (const step of begin) await world.activities[step](gateway);
      assert.equal((await world.activities.findGateway(gateway)).findings, undefined);
      const { findings } = await createActivities({ ...world.deps, egress }).findGateway(gateway);
      assert.match(findings?.[0] ?? '', /another proxy or other certificates.*`creel change g42 --renew`/);
    } finally {
      world.close();
    }
  });
});
