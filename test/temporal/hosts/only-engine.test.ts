import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tellServed } from '../../../src/client/deployment/engines.js';
import { ledgerWorkflowId } from '../../../src/wire/ids.js';
import { cordonUpdate, type LedgerStart } from '../../../src/wire/ledger.js';
import { Keyboard } from '../../ground/keyboard.js';
import { patienceMs } from '../../ground/patience.js';
import { shortLimits } from '../../ground/stage.js';
import { engineIdAt } from '../../world/directory-engine.js';
import { DirectoryHost } from '../../world/directory-host.js';
import { testRelease } from '../../world/open-test-world.js';

describe('the only host of a deployment (K-6)', { timeout: 3 * patienceMs }, () => {
  let keyboard: Keyboard;
  let engine: string;

  beforeAll(async () => {
    keyboard = await Keyboard.open();
    const { ground, stage } = keyboard;
    engine = engineIdAt(ground.root);
    await ground.startWorker();
    await tellServed(await stage.client(), { engine, host: 'here' });
  });
  afterAll(() => keyboard.close());

  const asked = (id: string) => ['provision', id, '--release', testRelease, '--dev', '--keep-state', '0'];
  const provision = (id: string) => keyboard.creel(asked(id));
  const ledger = async () => (await keyboard.stage.client()).workflow.getHandle(ledgerWorkflowId);

  /** A ledger that answers nobody: no worker polls for it. */
  async function stuck(): Promise<void> {
    const start: LedgerStart = { layout: 1, limits: shortLimits };
    const { workflow } = await keyboard.stage.client();
    await workflow.start('ledger', { workflowId: ledgerWorkflowId, taskQueue: 'nobody', args: [start] });
  }

  it('takes new gateways while the ledger answers nobody, and after it was ended', async () => {
    await stuck();
    expect(await provision('g1')).toMatchObject({ exitCode: 0 });
    await (await ledger()).terminate('by hand');
    expect(await provision('g2')).toMatchObject({ exitCode: 0 });
  });

  it('takes nobody while it is cordoned, through a continue-as-new of the ledger, and a dry run says so', async () => {
    expect(await keyboard.creel(['hosts', 'cordon', 'here'])).toMatchObject({ exitCode: 0 });
    const handle = await ledger();
    const { runId } = await handle.describe();
    await handle.signal('continueAsNew');
    await expect.poll(async () => (await handle.describe()).runId, { timeout: patienceMs }).not.toBe(runId);
    const refused = /no host has room for g3.* it is cordoned/;
    const dry = await keyboard.creel([...asked('g3'), '--dry-run']);
    expect(dry).toMatchObject({ exitCode: 3, stderr: expect.stringMatching(refused) });
    const real = await provision('g3');
    expect(real.exitCode).not.toBe(0);
    expect(real.stderr + real.stdout).toMatch(refused);
    await handle.executeUpdate(cordonUpdate, { args: [{ engine, cordoned: false }] });
    expect(await keyboard.creel([...asked('g3'), '--dry-run'])).toMatchObject({ exitCode: 0 });
    expect(await provision('g3')).toMatchObject({ exitCode: 0 });
  });

  it('takes nobody where its settings say cordoned = true under [local], unless an operator says otherwise', async () => {
    new DirectoryHost(keyboard.ground.root).become({ offer: { cordoned: true } });
    await (await ledger()).terminate('by hand');
    const refused = await provision('g4');
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr + refused.stdout).toMatch(/no host has room for g4.* it is cordoned/);
    expect(await keyboard.creel(['hosts', 'uncordon', 'here'])).toMatchObject({ exitCode: 0 });
    expect(await provision('g4')).toMatchObject({ exitCode: 0 });
  });
});
