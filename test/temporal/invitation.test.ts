import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FrontProcess } from '../ground/front-process.js';
import { Keyboard } from '../ground/keyboard.js';
import { patienceMs } from '../ground/patience.js';
import { DirectoryAudit } from '../world/directory-audit.js';

let keyboard: Keyboard;
let front: FrontProcess;

beforeAll(async () => {
  keyboard = await Keyboard.open();
  await keyboard.ground.startWorker();
  front = await FrontProcess.open(keyboard);
  await typed('provision', 'g42', '-f', path.join(keyboard.ground.root, 'small.toml'));
}, patienceMs);

afterAll(async () => {
  await front?.end('SIGKILL');
  await keyboard.close();
});

async function typed(...args: readonly string[]) {
  const said = await keyboard.creel(args, '', { CREEL_FRONT_URL: front.url });
  expect(said, said.stderr).toMatchObject({ exitCode: 0 });
  return said;
}

const invited = async (...more: readonly string[]) => (await typed('invite', 'g42', ...more)).stdout.trim();

async function page(url: string, method = 'GET'): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(url, { method });
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
  return { status: answer.status, text: await answer.text() };
}

const press = (url: string) => page(url, 'POST');

const isIn = { status: 200, text: expect.stringContaining('Go to my assistant') };
const isOver = (why: string) => ({ status: 410, text: expect.stringContaining(why) });

describe('an invitation (K-2)', () => {
  it('lets its customer in once, whoever looked at it before; the token is shown then, and is nowhere else', async () => {
    const url = await invited();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/in\/g42\/[\w-]{32}$/);
    for (const _ of [1, 2])
      expect(await page(url)).toMatchObject({ status: 200, text: expect.stringContaining('<form method="post">') });
    const token = (await typed('token', 'show', 'g42', '--yes=g42')).stdout.trim();
    const opened = await press(url);
    expect(opened).toMatchObject(isIn);
    expect(opened.text).toContain(`<code>${token}</code>`);
    for (const again of [await press(url), await page(url)]) {
      expect(again).toMatchObject(isOver('used before'));
      expect(again.text).not.toContain(token);
    }
    const secret = url.slice(-32);
    expect(front.said).not.toContain(secret);
    expect(JSON.stringify(new DirectoryAudit(keyboard.ground.root).entries())).toContain('by an invitation');
    const client = await keyboard.stage.client();
    for await (const { workflowId, runId } of client.workflow.list()) {
      const history = JSON.stringify(await client.workflow.getHandle(workflowId, runId).fetchHistory());
      for (const hidden of [secret, token, Buffer.from(secret).toString('base64')])
        expect(history).not.toContain(hidden);
    }
  }, 120_000);

  it('lets one in when many press at once, and is good after a press that a kill cut off', async () => {
    const url = await invited();
    const [cut] = await Promise.allSettled([press(url), front.end('SIGKILL')]);
    await front.begin();
    expect(cut.status).toBe('rejected');
    const many = await Promise.all([press(url), press(url), press(url)]);
    expect(many.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(many.filter(({ status }) => status === 410)).toHaveLength(2);
  }, 120_000);

  it('is over once another is made, its time has passed, or the token is rotated', async () => {
    const first = await invited();
    const second = await invited('--valid', '1s');
    expect(await press(first)).toMatchObject({ status: 404 });
    await expect.poll(() => page(second), { timeout: patienceMs }).toMatchObject(isOver('not used in time'));
    expect(await press(second)).toMatchObject(isOver('not used in time'));
    const third = await invited();
    await typed('rotate', 'g42');
    expect(await press(third)).toMatchObject(isOver('other keys'));
  }, 120_000);

  it('says in words that its gateway is paused, is usable after that, and is over when it was removed', async () => {
    const url = await invited();
    await typed('suspend', 'g42', '--reason', 'unpaid since June');
    const paused = await press(url);
    expect(paused).toMatchObject({ status: 403, text: expect.stringContaining('is paused') });
    expect(paused.text).not.toContain('June');
    await typed('resume', 'g42');
    expect(await press(url)).toMatchObject(isIn);
    const last = await invited();
    await typed('remove', 'g42', '--yes=g42');
    expect(await page(last)).toMatchObject(isOver('no longer there'));
    const said = await keyboard.creel(['invite', 'g42'], '', { CREEL_FRONT_URL: front.url });
    expect(said).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('nobody is invited to g42: it is removed'),
    });
  }, 180_000);

  it('of nobody, of a gateway that there is not, or in another form, is nothing; without a worker it is for later', async () => {
    await typed('provision', 'g43', '-f', path.join(keyboard.ground.root, 'small.toml'));
    const url = (await typed('invite', 'g43')).stdout.trim();
    for (const other of ['g43', 'g44', 'G%2043', '..%2fhealthz'])
      for (const secret of ['x'.repeat(32), '<script>', ''])
        expect((await press(`${front.url}/in/${other}/${secret}`)).status).toBe(404);
    await keyboard.ground.killWorkers();
    expect(await press(url)).toMatchObject({ status: 503, text: expect.stringContaining('not used up') });
    await keyboard.ground.startWorker();
    expect(await press(url)).toMatchObject(isIn);
  }, 180_000);

  it('that nobody heard says so, with what is to be done', async () => {
    await keyboard.ground.killWorkers();
    const unheard = await keyboard.creel(['invite', 'g43'], '', { CREEL_FRONT_URL: front.url });
    expect(unheard).toMatchObject({ exitCode: 7, stderr: expect.stringContaining('invite again') });
    await keyboard.ground.startWorker();
    const url = (await typed('invite', 'g43')).stdout.trim();
    expect(await page(url)).toMatchObject({ status: 200, text: expect.stringContaining('<form method="post">') });
  }, 120_000);

  it('is refused where its link would travel in the open, or nobody knows where', async () => {
    const said = (front_: string) => keyboard.creel(['invite', 'g42'], '', { CREEL_FRONT_URL: front_ });
    expect((await said('')).stderr).toContain('CREEL_FRONT_URL');
    expect((await said('http://gateways.example.com')).stderr).toContain('over HTTPS alone');
    expect(
      (await keyboard.creel(['invite', 'g42', '--valid', '31d'], '', { CREEL_FRONT_URL: front.url })).exitCode,
    ).toBe(3);
  }, 60_000);
});
