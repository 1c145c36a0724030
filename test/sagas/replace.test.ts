import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'vitest';
import { createActivities } from '../../src/activities/activities.js';
import type { Change } from '../../src/domain/changes/change.js';
import type { Changing } from '../../src/domain/gateway/changing.js';
import { markLabels, names } from '../../src/domain/gateway/gateway.js';
import type { Channel } from '../../src/domain/channels/channel.js';
import { tokensFile } from '../../src/domain/channels/tokens.js';
import { configFile } from '../../src/domain/gateway/config.js';
import { trialLabel } from '../../src/domain/changes/rehearsal.js';
import {
  replaced,
  replacementLabel,
  replacementNames,
  type Replacement,
} from '../../src/domain/changes/replacement.js';
import { Secret } from '../../src/domain/secret.js';
import {
  upgradeSteps,
  rollbackSteps,
  rollback as rollingBack,
  upgrade as upgrading,
} from '../../src/workflows/replace/operation.js';
import { takenBackFile } from '../../src/domain/keys/taken-back.js';
import { stateMarkFile } from '../../src/domain/gateway/state-mark.js';
import { deviceFrom } from '../../src/domain/keys/token.js';
import { replaceFile } from '../world/directory-files.js';
import { DirectoryHost } from '../world/directory-host.js';
import { DirectoryGateway } from '../world/directory-gateway.js';
import { proveChange } from './proofs/prove-change.js';
import { attempting } from '../world/moments.js';
import { ChangeStage } from './proofs/change-stage.js';
import { at, noFault } from './proofs/faults.js';
import { imageOf, openTestWorld, testSpec } from '../world/open-test-world.js';

const botToken = `123456789:${'A'.repeat(35)}`;
const owns = ['rehearse replacement', 'make room', 'start replacement'];
const upgrade: Replacement = {
  kind: 'upgrade',
  number: 7,
  to: { ...testSpec, release: '2026.9.7' },
  save: 'a',
  readyMs: 2_000,
};
const rollback: Replacement = { kind: 'rollback', number: 9, to: testSpec, save: 'b', take: 'a', readyMs: 2_000 };

/** What the customer's state was when the change began, by stage. */
const before = new WeakMap<ChangeStage, Record<string, string>>();

describe('upgrade', () =>
  proveChange({
    operation: upgrading,
    steps: upgradeSteps,
    owns,
    begin: async (stage) => {
      before.set(stage, await stateOf(stage));
      return upgrade;
    },
    isDone: async (stage, change) => {
      await isReplaced(stage, asReplacement(change));
      assert.deepEqual(await savedStateOf(stage, 'a'), before.get(stage));
    },
    isBack,
  }));

describe('rollback', () =>
  proveChange({
    operation: rollingBack,
    steps: rollbackSteps,
    owns,
    begin: async (stage) => {
      const first = await stateOf(stage);
      assert.equal((await stage.run(upgrade, undefined, upgradeSteps)).outcome, 'done');
      stage.gateway = replaced({ ...stage.gateway, change: upgrade });
      before.set(stage, await stateOf(stage));
      assert.notDeepEqual(before.get(stage), first);
      return rollback;
    },
    isDone: async (stage, change) => {
      await isReplaced(stage, asReplacement(change));
      assert.equal((await stateOf(stage))['state/version'], testSpec.release);
      assert.deepEqual(await savedStateOf(stage, 'b'), before.get(stage));
    },
    isBack: async (stage, change) => {
      assert.equal((await savedStateOf(stage, 'a'))['state/version'], testSpec.release);
      await isBack(stage, change);
    },
  }));

describe('an upgrade that finds another token stored, which is refused', () => {
  const other = `${botToken.slice(0, -7)}REFUSED`;

  it('goes back to the one in force, and the refused one stays out: of a repair, and of the next upgrade, which is done', async () => {
    await onProvisioned(async (stage) => {
      const { secrets } = stage.world.deps;
      await secrets.write('bot', new Secret(botToken));
      const channels = [telegram('@boss')];
      const asked = { kind: 'reconfigure', to: { ...testSpec, channels }, channels: true, number: 5 } as const;
      assert.equal((await stage.carryOut(asked)).outcome, 'done');
      stage.gateway = { ...stage.gateway, spec: { ...testSpec, channels } };
      const state = () => path.join(stage.world.root, 'files', stage.names.volume);
      const inForce = () => fs.readFileSync(path.join(state(), tokensFile), 'utf8');
      const before = inForce();
      await secrets.write('bot', new Secret(other));
      const to = { ...upgrade, to: { ...upgrade.to, channels } };
      const result = await stage.run(to, undefined, upgradeSteps);
      assert.equal(result.outcome, 'undone');
      assert.match(result.reason, /^prove replacement: channel telegram refused its token/);
      assert.equal(inForce(), before);
      assert.doesNotMatch(fs.readFileSync(path.join(state(), takenBackFile), 'utf8'), /123456789:/);
      assert.ok(!stage.world.engine.leftovers().some((each) => each.includes('-writer')));

      await stage.world.engine.stopContainer(stage.names.container, 1);
      await stage.provision();
      assert.equal(inForce(), before);

      const again = await stage.run({ ...to, number: 9 }, undefined, upgradeSteps);
      assert.equal(again.outcome, 'done', again.reason);
      assert.equal(inForce(), before);
    });
  });
});

it('the image of a release goes when nobody can go back to it any more', async () => {
  await onProvisioned(async ({ gateway, world }) => {
    const catalogue = world.deps.catalogue.map((line) => ({ ...line, dev: false }));
    const { ensureDropped } = createActivities({ ...world.deps, catalogue });
    const drop = () => ensureDropped({ ...gateway, change: { kind: 'drop-snapshot', former: '2026.9.7' } });
    const other = { ...gateway.mark, gateway: 'g43' };
    const kept = {
      name: replacementNames(other).savedStates.a,
      labels: { ...markLabels(other), 'creel.replacement': '3' },
    };
    for (const labels of [{ ...kept.labels, 'creel.release': '2026.9.7' }, kept.labels]) {
      await world.engine.createVolume({ ...kept, labels });
      assert.match(await drop(), /its image stays for oc-g43/);
      assert.ok(await world.engine.findImage('creel/openclaw:2026.9.7'));
      await world.engine.removeVolume(kept.name);
    }
    await world.engine.createVolume({ ...kept, labels: { ...kept.labels, 'creel.release': '2026.9.6' } });
    await drop();
    assert.equal(await world.engine.findImage('creel/openclaw:2026.9.7'), undefined);
  });
});

describe('an upgrade to a release that', () => {
  const cases = [
    ['crashes', '2026.9.8-crashes', /^rehearse replacement: .*does not start on a copy.*exit 1.*it crashes/s],
    ['never gets ready', '2026.9.8-never', /^(rehearse|await) replacement: .*given up/s],
    ['is another version', '2026.9.8-wrong', /^rehearse replacement: .*runs 2026.9.6, asked for was 2026.9.8-wrong/s],
    ['does not accept the state', '2026.9.8-refuses', /^rehearse replacement: .*database preflight: exit 1/s],
    ['has an older schema', '2026.9.8-schema', /^fetch replacement: .*state schema 17.*with 18/s],
    ['is older', '2026.6.11', /^check replacement: .*is older than 2026.9.6, which has written the state of g42/s],
    ['is in no catalogue', '2026.9.9', /^check replacement: .*not in this worker's catalogue/s],
  ] as const;
  for (const [what, release, reason] of cases) {
    it(`${what}: the old one serves again, its state byte for byte as it was`, async () => {
      await onProvisioned(async (stage) => {
        before.set(stage, await stateOf(stage));
        const change = { ...upgrade, to: { ...testSpec, release } };
        const result = await stage.run(change);
        assert.equal(result.outcome, 'undone');
        assert.match(result.reason, reason);
        await isBack(stage, change);
      });
    });
  }

  it('loses the phone that was linked to it is taken back: the owner would have to link it anew (S0-16)', async () => {
    await onProvisioned(async (stage) => {
      const { world, gateway } = stage;
      const channels: Channel[] = [{ kind: 'whatsapp', secrets: {}, allowFrom: ['+15550001234'] }];
      for (const { release } of [gateway.spec, upgrade.to]) {
        const image = await world.engine.findImage(imageOf(release));
        const labels = { ...image?.labels, 'creel.plugins': 'telegram,whatsapp' };
        world.engine.addImage(imageOf(release), { id: image?.id ?? '', labels });
      }
      const serving = () => DirectoryGateway.within(world.root, names(gateway.mark).container);
      stage.gateway = { ...gateway, spec: { ...gateway.spec, channels } };
      writeChannels(stage, { whatsapp: { enabled: true } });
      serving().linkPhone();
      const activities = createActivities(world.deps);
      const probeDevices: typeof activities.probeDevices = async (changing) => {
        serving().linkPhone(false);
        return activities.probeDevices(changing);
      };
      const change = { ...upgrade, to: { ...upgrade.to, channels } };
      const { outcome, reason } = await stage.runWith({ ...activities, probeDevices }, change, noFault);
      assert.equal(outcome, 'undone');
      assert.match(reason, /^prove replacement: a phone was linked before: channel whatsapp is not linked: /);
      assert.equal(serving().phone, 'linked');
    });
  });

  it('ends while it is asked in its rehearsal is judged by how it ended, by the very attempt that asked: nothing has to settle', async () => {
    await onProvisioned(async (stage) => {
      const { world, gateway } = stage;
      let asked = 0;
      const callInside: typeof world.deps.door.callInside = async (inside, calls) => {
        const trial = await world.engine.findContainer(replacementNames(gateway.mark).rehearsal);
        if (trial?.name !== inside.container || asked++ > 0) return world.deps.door.callInside(inside, calls);
        await world.engine.stopContainer(trial.id, 0);
        throw new Error('the script inside the container printed no report');
      };
      const door = new Proxy(world.deps.door, {
        get: (target, name) => (name === 'callInside' ? callInside : Reflect.get(target, name).bind(target)),
      });
      const { outcome, entered } = await stage.runWith(createActivities({ ...world.deps, door }), upgrade, noFault);
      assert.equal(outcome, 'done');
      assert.equal(asked, 2);
      assert.equal(entered.find(({ step }) => step === 'rehearse replacement')?.unsettledUntil, 0);
    });
  });

  it('asks for more processors, or more memory beside others, than the host has is refused before anything is touched', async () => {
    await onProvisioned(async (stage) => {
      before.set(stage, await stateOf(stage));
      const started = await startedAt(stage);
      new DirectoryHost(stage.world.root).become({ cpus: 2, memoryMb: 8192 });
      const other = stage.world.gateway('g43');
      for (const step of ['ensureState', 'ensureNetwork', 'ensureConfig', 'ensureContainer'] as const)
        await stage.world.activities[step](other);
      const cases = [
        [{ cpus: 8 }, /^check replacement: host local has 2 processors, the spec asks for 8/],
        [{ memoryMb: 6144 }, /^check replacement: host local has 8192 MB of memory; 1 other gateways may take 2048 MB/],
      ] as const;
      for (const [asked, reason] of cases) {
        const there = stage.world.engine.leftovers();
        const result = await stage.run({ ...upgrade, to: { ...upgrade.to, ...asked } });
        assert.match(result.reason, reason);
        assert.equal(await startedAt(stage), started);
        assert.deepEqual(stage.world.engine.leftovers(), there);
        assert.deepEqual(await stateOf(stage), before.get(stage));
      }
    });
  });

  it('is asked for while the state takes more than its spec says is refused before anything is touched; more disk or a way back is not (S0-34)', async () => {
    await onProvisioned(async (stage) => {
      stage.world.engine.takes(stage.names.volume, 1.5 * 1024 ** 3);
      const [small, wide] = [1024, 2048].map((diskMb) => ({ ...upgrade, to: { ...upgrade.to, diskMb } }));
      assert(small && wide);
      const started = await startedAt(stage);
      const refused = await stage.run(small);
      assert.match(
        refused.reason,
        /^check replacement: the state of g42 takes 1\.5 GB of 1 GB: .*`creel change g42 --disk …` gives it more.*nothing was touched/s,
      );
      assert.equal(await startedAt(stage), started);
      assert.equal((await stage.run(wide)).outcome, 'done');
      stage.gateway = replaced({ ...stage.gateway, change: wide });
      const back = { ...rollback, to: { ...rollback.to, diskMb: 1024 } };
      assert.equal((await stage.run(back, undefined, rollbackSteps)).outcome, 'done');
    });
  });

  it('does not fit the disk is refused before anything is touched', async () => {
    await onProvisioned(async (stage) => {
      before.set(stage, await stateOf(stage));
      const started = await startedAt(stage);
      fillDisk(stage);
      const result = await stage.run(upgrade);
      assert.match(result.reason, /^check replacement: .*nothing was touched/s);
      assert.equal(await startedAt(stage), started);
      await isBack(stage, upgrade);
    });
  });
});

describe('a replacement of a gateway that goes down before anything is set aside', () => {
  it('is refused at once, and the gateway is started again and proved', async () => {
    await onProvisioned(async (stage) => {
      before.set(stage, await stateOf(stage));
      const began = Date.now();
      const result = await stage.run(upgrade, (step, doing, attempt) => {
        if (step === 'make room' && doing === 'do' && attempt === 1) stage.world.engine.crash(stage.names.container);
        return undefined;
      });
      assert.deepEqual([result.outcome, result.down], ['undone', undefined]);
      assert.match(result.reason, /^make room: gateway g42 went down by itself \(exit 137\)/);
      assert.match(JSON.stringify(result.proofs), /undo rehearse replacement.*started again and is proved serving/);
      assert.ok(Date.now() - began < 5_000);
      await isBack(stage, upgrade);
    });
  });

  it('ends with it down, and its last lines, when it cannot be started again', async () => {
    await onProvisioned(async (stage) => {
      const result = await stage.run(upgrade, (step, doing, attempt) => {
        if (step === 'make room' && doing === 'do' && attempt === 1) die(stage);
        return undefined;
      });
      assert.equal(result.outcome, 'undone');
      assert.match(
        result.down ?? '',
        /went down by itself and does not serve: .*its state is broken.*creel provision g42/s,
      );
      assert.deepEqual(stage.world.engine.leftovers(), plain(stage));
    });
  });
});

describe('a rehearsal', () => {
  /** A customer has put in what only the next start refuses, with the next release or with the same. */
  const odd = (stage: ChangeStage) =>
    replaceFile(configPath(stage), JSON.stringify({ ...readConfig(stage), customerNotes: { from: 'a shell tool' } }));

  it('says which key the next start would refuse, and how to take it out, while the gateway serves', async () => {
    await onProvisioned(async (stage) => {
      odd(stage);
      before.set(stage, await stateOf(stage));
      const started = await startedAt(stage);
      const result = await stage.run(upgrade);
      assert.equal(result.outcome, 'undone');
      assert.match(result.reason, /^rehearse replacement: release 2026\.9\.7 does not start on a copy .*\(exit 78\)/);
      assert.match(
        result.reason,
        /has customerNotes.*`docker exec oc-g42-\w+ node -e '.*delete c\["customerNotes"\];.*'` takes that out/,
      );
      assert.equal(await startedAt(stage), started);
      await isBack(stage, upgrade);
    });
  });

  it('of a rollback tries the kept release on the kept state', async () => {
    await onProvisioned(async (stage) => {
      await upgraded(stage);
      const started = await startedAt(stage);
      const { volume } = { volume: replacementNames(stage.gateway.mark).savedStates.a };
      fs.writeFileSync(path.join(stage.world.root, 'files', volume, 'state', 'state', 'broken'), '');
      const result = await stage.run(rollback, undefined, rollbackSteps);
      assert.match(result.reason, /^rehearse replacement: release 2026\.9\.6 does not start.*its state is broken/s);
      assert.equal(await startedAt(stage), started);
    });
  });

  it('of a rollback says how a key is taken out of the kept state, which nobody reads who runs', async () => {
    await onProvisioned(async (stage) => {
      await upgraded(stage);
      const { a } = replacementNames(stage.gateway.mark).savedStates;
      const file = path.join(stage.world.root, 'files', a, 'state', 'openclaw.json');
      replaceFile(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, 'utf8')), customerNotes: 'kept' }));
      const { reason } = await stage.run(rollback, undefined, rollbackSteps);
      assert.match(reason, /has customerNotes/);
      assert.ok(reason.includes(`\`docker run --rm --network none -v ${a}:/live `), reason);
      assert.ok(reason.includes('f="/live/state/openclaw.json"'), reason);
    });
  });

  it('is only a check where the host has no memory for a second gateway, which is said beforehand', async () => {
    await onProvisioned(async (stage) => {
      new DirectoryHost(stage.world.root).become({ availableMemoryMb: 700 });
      const result = await stage.run(upgrade);
      assert.equal(result.outcome, 'done', result.reason);
      const said = (step: string) => result.proofs?.find((each) => each.step === step)?.proof;
      assert.match(said('check replacement') ?? '', /will only convert and check a copy: host local has 700 MB/);
      assert.match(
        said('rehearse replacement') ?? '',
        /accepts a copy of the state \(not started: host local has 700 MB/,
      );
      await isReplaced(stage, upgrade);
    });
  });

  it('hands on nothing secret of what a release says against a state', async () => {
    await onProvisioned(async (stage) => {
      const token = stage.world.deps.keys.token(stage.gateway).reveal();
      const image = await stage.world.engine.findImage(imageOf('2026.9.7'));
      const problems = [`config validate: exit 1 gateway.auth.token "${token}" and apiKey: sk-live-0123456789abcdef`];
      const labels = { ...image?.labels, 'test.errand': JSON.stringify({ problems }) };
      stage.world.engine.addImage(imageOf('2026.9.7'), { id: image?.id ?? '', labels });
      const { reason } = await stage.run(upgrade);
      assert.match(
        reason,
        /does not accept the state of g42: config validate: exit 1 gateway\.auth\.token "\[secret\]"/,
      );
      assert.doesNotMatch(reason, /sk-live/);
    });
  });

  it('that an attempt has begun is judged by the next one, though the host has no memory left for a second trial', async () => {
    await onProvisioned(async (stage) => {
      const change = { ...upgrade, to: { ...upgrade.to, release: '2026.9.8-crashes' } };
      const { rehearsal } = replacementNames(stage.gateway.mark);
      const isTrying = () =>
        stage.world.engine
          .containers()
          .some((each) => each.name === rehearsal && each.labels[trialLabel] !== undefined);
      const died = new AbortController();
      const first = attempting(
        { signal: died.signal, moment: () => isTrying() && died.abort(new Error('it died')) },
        () => stage.world.activities.ensureRehearsal({ ...stage.gateway, change }),
      );
      await assert.rejects(first, /it died/);
      assert.ok(isTrying());
      new DirectoryHost(stage.world.root).become({ availableMemoryMb: 700 });
      const second = stage.world.activities.ensureRehearsal({ ...stage.gateway, change });
      await assert.rejects(second, /2026\.9\.8-crashes does not start on a copy of the state/);
    });
  });

  it('has no network, no port, the limits of what is to follow, and its channels off', async () => {
    await onProvisioned(async (stage) => {
      const block = { enabled: true, botToken, dmPolicy: 'allowlist', allowFrom: ['1'] };
      writeChannels(stage, { telegram: block });
      let seen: unknown;
      const crashing = { ...upgrade, to: { ...upgrade.to, release: '2026.9.8-crashes', memoryMb: 4096 } };
      await stage.run(crashing, (step, doing) => {
        if (step !== 'rehearse replacement' || doing !== 'undo') return undefined;
        const { rehearsal, trial } = replacementNames(stage.gateway.mark);
        const made = stage.world.engine.containers().find(({ name }) => name === rehearsal);
        const { telegram: off } = JSON.parse(
          fs.readFileSync(path.join(stage.world.root, 'files', trial, configFile), 'utf8'),
        ).channels;
        seen = { network: made?.network, hostPort: made?.hostPort, memoryMb: made?.memoryMb, enabled: off.enabled };
        return undefined;
      });
      assert.deepEqual(seen, { network: null, hostPort: null, memoryMb: 4096, enabled: false });
    });
  });
});

describe('a way back to a release that refuses its config', () => {
  it('takes its last good one, keeps the refused one beside, and says so to whoever looks', async () => {
    await onProvisioned(async (stage) => {
      const good = readConfig(stage);
      replaceFile(configPath(stage), JSON.stringify({ ...good, customerNotes: { from: 'a shell tool' } }));
      const change = { ...upgrade, to: { ...testSpec, release: '2026.9.8-takes' } };
      const result = await stage.run(change, at('prove replacement', 'do', 'refuse after'));
      assert.deepEqual([result.outcome, result.left], ['undone', []]);
      assert.match(
        result.down ?? '',
        /2026\.9\.6 did not start on its openclaw\.json.*lies beside as openclaw\.json\.refused-7/,
      );
      assert.match(JSON.stringify(result.proofs), /proved serving again .*openclaw\.json\.refused-7/);
      assert.deepEqual(readConfig(stage), good);
      assert.match(fs.readFileSync(`${configPath(stage)}.refused-7`, 'utf8'), /customerNotes/);
      assert.equal((await stage.world.activities.findGateway(stage.gateway)).version, testSpec.release);
    });
  });
});

describe('an engine that is stopped and started in the middle of a change', () => {
  for (const step of ['await replacement', 'prove replacement', 'commit replacement']) {
    for (const exitCode of [0, 137, 143]) {
      it(`ends the new container with ${exitCode} at ${step}: it is started again, and the change goes on`, async () => {
        await onProvisioned(async (stage) => {
          before.set(stage, await stateOf(stage));
          const result = await stage.run(upgrade, (doing, way, attempt) => {
            if (doing === step && way === 'do' && attempt === 1)
              stage.world.engine.crash(stage.names.container, exitCode);
            return undefined;
          });
          assert.equal(result.outcome, 'done', result.reason);
          await isReplaced(stage, upgrade);
        });
      });
    }
  }

  it('is no excuse for a gateway that ends by itself', async () => {
    await onProvisioned(async (stage) => {
      before.set(stage, await stateOf(stage));
      const result = await stage.run(upgrade, (step, doing, attempt) => {
        if (step === 'await replacement' && doing === 'do' && attempt === 1)
          stage.world.engine.crash(stage.names.container, 1);
        return undefined;
      });
      assert.equal(result.outcome, 'undone');
      assert.match(result.reason, /^await replacement: .*exit 1/);
      await isBack(stage, upgrade);
    });
  });
});

describe('a replacement', () => {
  it('for whose saved state the room is gone when it is about to stop the gateway stops nothing', async () => {
    await onProvisioned(async (stage) => {
      before.set(stage, await stateOf(stage));
      const started = await startedAt(stage);
      const result = await stage.run(upgrade, (step, doing) => {
        if (step === 'set aside' && doing === 'do') fillDisk(stage);
        return undefined;
      });
      assert.equal(result.outcome, 'undone');
      assert.match(result.reason, /^set aside: host local has 2048 MB of free disk.*nothing was touched/s);
      assert.equal(await startedAt(stage), started);
      await isBack(stage, upgrade);
    });
  });

  it('of a state that no copy can take is refused before anything is touched', async () => {
    await onProvisioned(async (stage) => {
      before.set(stage, await stateOf(stage));
      const started = await startedAt(stage);
      stage.world.engine.setTooDeep();
      const result = await stage.run(upgrade);
      assert.equal(result.outcome, 'undone');
      assert.match(result.reason, /^check replacement: .*a path of more than 4050 bytes.*nothing was touched/s);
      assert.equal(await startedAt(stage), started);
      await isBack(stage, upgrade);
    });
  });

  it('whose saved state does not fit after all goes back at once', async () => {
    await onProvisioned(async (stage) => {
      before.set(stage, await stateOf(stage));
      stage.world.engine.setFull(true);
      const result = await stage.run(upgrade);
      assert.equal(result.outcome, 'undone');
      assert.match(result.reason, /^save state: no room on the engine's host/);
      await isBack(stage, upgrade);
    });
  });

  it('goes back although the engine restarts while the previous one starts', async () => {
    await onProvisioned(async (stage) => {
      before.set(stage, await stateOf(stage));
      await bootsFor(stage, testSpec.release, 300);
      let interrupted = Promise.resolve();
      const result = await stage.run(upgrade, (step, doing, attempt) => {
        if (step === 'set aside' && doing === 'undo' && attempt === 1) interrupted = crashWhenRunning(stage);
        return at('prove replacement', 'do', 'refuse after')(step, doing, attempt);
      });
      await interrupted;
      assert.equal(result.outcome, 'undone', result.reason);
      assert.match(result.reason, /^prove replacement: /);
      await isBack(stage, upgrade);
    });
  });
});

describe('a rollback', () => {
  it('needs no gateway that serves: what was kept says what is to be proved', async () => {
    await onProvisioned(async (stage) => {
      const known = await pairedDevice(stage);
      await upgraded(stage);
      await pairedDevice(stage);
      die(stage);
      const result = await stage.run(rollback, undefined, rollbackSteps);
      assert.equal(result.outcome, 'done', result.reason);
      await isReplaced(stage, rollback);
      assert.ok(pairedIn(stage).includes(known));
      assert.equal(pairedIn(stage).length, 2); // With creel's own.
      assert.match(JSON.stringify(result.proofs), /who was cut off since then could not be asked/);
      const saved = await savedStateOf(stage, 'b');
      assert.equal(saved['state/version'], upgrade.to.release);
    });
  });

  it('of a gateway that does not serve ends with it as it was, when it cannot be finished', async () => {
    await onProvisioned(async (stage) => {
      await upgraded(stage);
      before.set(stage, await stateOf(stage));
      die(stage);
      const broken = { ...before.get(stage), 'state/broken': '' };
      for (const step of ['save state', 'take state', 'prove replacement']) {
        const result = await stage.run(rollback, at(step, 'do', 'refuse after'), rollbackSteps);
        assert.equal(result.outcome, 'undone');
        assert.match(result.down ?? '', /2026\.9\.7 .*does not serve: .*its state is broken.*creel rollback g42/s);
        assert.deepEqual(await stateOf(stage), broken);
        const kept = `volume ${replacementNames(stage.gateway.mark).savedStates.a}`;
        assert.deepEqual(stage.world.engine.leftovers(), [...plain(stage), kept].toSorted());
      }
      const result = await stage.run(rollback, undefined, rollbackSteps);
      assert.equal(result.outcome, 'done', result.reason);
      assert.equal(result.down, undefined);
      await isReplaced(stage, rollback);
    });
  });

  it('of a gateway that only was stopped, and cannot be finished, ends with it serving', async () => {
    await onProvisioned(async (stage) => {
      await upgraded(stage);
      before.set(stage, await stateOf(stage));
      stage.world.engine.crash(stage.names.container);
      const result = await stage.run(rollback, at('prove replacement', 'do', 'refuse after'), rollbackSteps);
      assert.deepEqual([result.outcome, result.down], ['undone', undefined]);
      await isBack(stage, rollback);
    });
  });

  it('without the kept state is refused before anything is touched', async () => {
    await onProvisioned(async (stage) => {
      await upgraded(stage);
      const started = await startedAt(stage);
      await stage.world.engine.removeVolume(replacementNames(stage.gateway.mark).savedStates.a);
      const result = await stage.run(rollback, undefined, rollbackSteps);
      assert.match(result.reason, /^check replacement: the saved state of g42 is gone/);
      assert.equal(await startedAt(stage), started);
    });
  });

  for (const [what, now, senders] of [
    ['sender', [telegram('@boss')], ['@boss', '@theirs']],
    ['channel', [], ['@theirs']],
  ] as const) {
    it(`lets no ${what} in again that was taken out since, and keeps what a customer added`, async () => {
      await onProvisioned(async (stage) => {
        await stage.world.deps.secrets.write('bot', new Secret(botToken));
        const block = { enabled: true, botToken, dmPolicy: 'allowlist', allowFrom: ['@boss', '@fired', '@theirs'] };
        writeChannels(stage, { telegram: block });
        await upgraded(stage);
        writeChannels(stage, {});
        die(stage);
        stage.gateway = { ...stage.gateway, spec: { ...stage.gateway.spec, channels: now } };
        const takenChannels = [telegram('@boss', '@fired')];
        const back: Replacement = { ...rollback, to: { ...testSpec, channels: now }, takenChannels };
        const result = await stage.run(back, undefined, rollbackSteps);
        assert.equal(result.outcome, 'done', result.reason);
        const { allowFrom, enabled } = readConfig(stage).channels['telegram'] ?? {};
        assert.deepEqual({ allowFrom, enabled }, { allowFrom: senders, enabled: now.length > 0 });
        const state = path.join(stage.world.root, 'files', stage.names.volume);
        assert.ok(!fs.readFileSync(path.join(state, configFile), 'utf8').includes(botToken));
        assert.equal(fs.readFileSync(path.join(state, tokensFile), 'utf8').includes(botToken), now.length > 0);
      });
    });
  }

  it('lets nobody in again who was cut off since', async () => {
    await onProvisioned(async (stage) => {
      const out = await pairedDevice(stage);
      await upgraded(stage);
      const stays = await pairedDevice(stage);
      gatewayOf(stage).unpair(out);
      const result = await stage.run(rollback, undefined, rollbackSteps);
      assert.equal(result.outcome, 'done');
      const paired = pairedIn(stage);
      assert.ok(!paired.includes(out));
      assert.ok(!paired.includes(stays)); // The previous state never knew it.
      assert.match(JSON.stringify(result.proofs), /1 cut off since then stay out/);
    });
  });
});

function telegram(...allowFrom: string[]): Channel {
  return { kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom };
}

type Config = { channels: Record<string, { allowFrom?: string[]; enabled?: boolean }> };

function readConfig(stage: ChangeStage): Config {
  return JSON.parse(fs.readFileSync(configPath(stage), 'utf8'));
}

/** What the config says of channels from now on, as creel and the customer have left it. */
function writeChannels(stage: ChangeStage, channels: Config['channels']): void {
  replaceFile(configPath(stage), JSON.stringify({ ...readConfig(stage), channels }));
}

async function upgraded(stage: ChangeStage): Promise<void> {
  assert.equal((await stage.run(upgrade)).outcome, 'done');
  stage.gateway = replaced({ ...stage.gateway, change: upgrade });
}

/** The gateway ends, and cannot be started on its state any more. */
function die(stage: ChangeStage): void {
  fs.writeFileSync(path.join(stage.world.root, 'files', stage.names.volume, 'state', 'broken'), '');
  stage.world.engine.crash(stage.names.container);
}

/** From its next start on, a release listens only after a while. */
async function bootsFor(stage: ChangeStage, release: string, ms: number): Promise<void> {
  const file = path.join(stage.world.root, 'images', `${encodeURIComponent(`creel/openclaw:${release}`)}.json`);
  const image = JSON.parse(fs.readFileSync(file, 'utf8'));
  stage.world.engine.addImage(`creel/openclaw:${release}`, {
    ...image,
    labels: { ...image.labels, 'test.boot': `${ms}` },
  });
  await stage.world.activities.probeReadiness(stage.gateway);
}

/** The previous container ends once, as soon as it has been started again. */
async function crashWhenRunning(stage: ChangeStage): Promise<void> {
  for (;;) {
    const found = await stage.world.engine.findContainer(stage.names.container);
    if (found?.state === 'running' && !(replacementLabel in found.labels)) break;
    await sleep(5);
  }
  stage.world.engine.crash(stage.names.container);
}

/** Something else takes what was free of the host's disk. */
function fillDisk(stage: ChangeStage): void {
  new DirectoryHost(stage.world.root).become({ freeDiskBytes: 2 * 1024 ** 3 + 1_000 });
}

async function startedAt(stage: ChangeStage): Promise<string | undefined> {
  return (await stage.world.engine.findContainer(stage.names.container))?.startedAt;
}

function configPath(stage: ChangeStage): string {
  return path.join(stage.world.root, 'files', stage.names.volume, configFile);
}

function pairedIn(stage: ChangeStage): string[] {
  return gatewayOf(stage)
    .paired()
    .map(({ deviceId }) => deviceId);
}

function gatewayOf(stage: ChangeStage): DirectoryGateway {
  return DirectoryGateway.within(stage.world.root, stage.names.container);
}

/** A device of somebody's that is let in. */
async function pairedDevice(stage: ChangeStage): Promise<string> {
  const device = deviceFrom(randomBytes(32));
  const { requestId } = gatewayOf(stage).ask({ deviceId: device.id, publicKey: device.publicKey, scopes: [] });
  assert.equal(gatewayOf(stage).approve(requestId), device.id);
  return device.id;
}

function asReplacement(change: Change): Replacement {
  assert.ok(change.kind === 'upgrade' || change.kind === 'rollback');
  return change;
}

async function isReplaced(stage: ChangeStage, change: Replacement): Promise<void> {
  const next = replaced({ ...stage.gateway, change } satisfies Changing<Replacement>);
  assert.equal((await stage.world.activities.findGateway(next)).version, change.to.release);
  const container = await stage.world.engine.findContainer(stage.names.container);
  assert.equal(container?.restartPolicy, 'always');
  const own = replacementNames(stage.gateway.mark);
  const kept = [change.save, ...(change.take ? [change.take] : [])].map((shelf) => `volume ${own.savedStates[shelf]}`);
  assert.deepEqual(stage.world.engine.leftovers(), [...plain(stage), ...kept].toSorted());
}

/** The previous gateway serves with its own release, and its state is what it was. */
async function isBack(stage: ChangeStage, change: Change): Promise<void> {
  const record = await stage.world.activities.findGateway(stage.gateway);
  assert.equal(record.version, stage.gateway.spec.release);
  assert.deepEqual(record.operatorScopes, ['operator.admin']);
  const container = await stage.world.engine.findContainer(stage.names.container);
  assert.equal(container?.restartPolicy, 'always');
  assert.deepEqual(await stateOf(stage), before.get(stage));
  const { take } = asReplacement(change);
  const kept = take ? [`volume ${replacementNames(stage.gateway.mark).savedStates[take]}`] : [];
  assert.deepEqual(stage.world.engine.leftovers(), [...plain(stage), ...kept].toSorted());
}

function plain(stage: ChangeStage): string[] {
  const { container, network, volume } = stage.names;
  return [`container ${container}`, `network ${network}`, `volume ${volume}`];
}

async function onProvisioned(run: (stage: ChangeStage) => Promise<void>): Promise<void> {
  const world = openTestWorld();
  try {
    const stage = new ChangeStage(world, { operation: upgrading, steps: upgradeSteps });
    await stage.provision();
    await run(stage);
  } finally {
    world.close();
  }
}

async function stateOf(stage: ChangeStage): Promise<Record<string, string>> {
  return filesBelow(path.join(stage.world.root, 'files', stage.names.volume));
}

async function savedStateOf(stage: ChangeStage, shelf: 'a' | 'b'): Promise<Record<string, string>> {
  const volume = replacementNames(stage.gateway.mark).savedStates[shelf];
  return filesBelow(path.join(stage.world.root, 'files', volume, 'state'));
}

/** Every file and its content, but for what a gateway writes whenever somebody connects, and for the mark, which says where it came from. */
function filesBelow(directory: string): Record<string, string> {
  const names = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const files = names
    .filter((name) => !name.includes('seen/') && name !== stateMarkFile)
    .filter((name) => fs.statSync(path.join(directory, name)).isFile())
    .toSorted();
  return Object.fromEntries(files.map((name) => [name, fs.readFileSync(path.join(directory, name), 'utf8')]));
}
