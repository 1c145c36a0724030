import fs from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tryRelease } from '../../../src/releases/trial.js';
import { ScriptedEngine, type Scripted } from '../../ground/engines/scripted-engine.js';
import { scratchDirectory } from '../../world/scratch.js';

let root: string;
let engine: ScriptedEngine;
const ending = new AbortController();
const said: string[] = [];
/** What the engine says from the first step on. */
let later: (request: string) => Scripted;

const nothing: Record<string, unknown> = { '/containers/json': [], '/volumes': { Volumes: [] }, '/networks': [] };
const bridge = { Name: 'bridge', Id: 'b', Labels: {}, IPAM: { Config: [{ Subnet: '127.0.0.0/8' }] } };

beforeEach(async () => {
  root = scratchDirectory('creel-trial-');
  engine = await new ScriptedEngine(`${root}/engine.sock`).open();
  let [looks, begun] = [0, false];
  engine.answer = (request) => {
    const at = request.replace(/^GET (?:\/v[\d.]+)?/, '');
    if (at === '/networks') looks += 1;
    if (at === '/networks' && looks === 2) return { status: 200, body: [bridge] };
    if (!begun && at in nothing) return { status: 200, body: nothing[at] };
    begun = true;
    return later(at);
  };
});
afterEach(async () => {
  await engine.close();
  fs.rmSync(root, { recursive: true, force: true });
});

const listeners = () => process.getActiveResourcesInfo().filter((each) => each === 'TCPServerWrap').length;

test('a trial that is interrupted says that, whatever failed of it, what could not be cleared beside it, and is over', async () => {
  let [heard, asked] = [0, 0];
  const before = listeners();
  later = () => {
    heard = Math.max(heard, listeners());
    asked += 1;
    if (asked === 2) ending.abort(new Error('interrupted')); // In its second try: it has waited for that one.
    return { status: 500, body: { message: 'it goes down' } };
  };
  const trying = tryRelease({
    release: { version: '2026.9.6', image: 'creel/openclaw:2026.9.6', dev: true },
    engineSocket: engine.socketPath,
    pool: { cidr: '10.214.0.0/16', prefix: 28, firstPort: 24_000 },
    directory: root,
    signal: ending.signal,
    say: (sentence) => said.push(sentence),
  });
  await expect(trying).rejects.toThrow(/^interrupted$/);
  expect(said.at(-1)).toMatch(/^what the trial made could not be cleared: .*it goes down/);
  expect(heard).toBe(before + 1);
  await expect.poll(listeners).toBe(before);
});
