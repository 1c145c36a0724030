import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { TurnedDown } from '../client/failure.js';
import { masked } from '../domain/heard.js';
import type { Upstream } from '../domain/release/upstream.js';

/** How long npm may take for one answer: it asks its registry twice. */
const limitMs = 60_000;

const upstreamForm = z.object({
  versions: z.union([z.array(z.string()), z.string().transform((only) => [only])]),
  'dist-tags': z.looseObject({ latest: z.string().optional() }).default({}),
});

/** What the registry that npm is configured with has of OpenClaw. `TurnedDown` when npm or the registry does not say. */
export async function readUpstream(): Promise<Upstream> {
  const said = await npm(['view', 'openclaw', 'versions', 'dist-tags', '--json', '--fetch-retries=1']);
  const { data } = upstreamForm.safeParse(said);
  if (!data) throw new TurnedDown('npm view openclaw answered with something that is no list of versions', 'Registry');
  return { versions: data.versions, latest: data['dist-tags'].latest };
}

/** `TurnedDown` for a version that the registry does not have, naming some that it has. */
export function demandPublished({ versions }: Upstream, version: string): void {
  if (versions.includes(version)) return;
  const [year = '', month = ''] = version.split('.');
  const near = versions.filter((each) => each.startsWith(`${year}.${month}.`)).slice(-5);
  const others = near.length > 0 ? near : versions.slice(-3);
  throw new TurnedDown(
    `the npm registry has no openclaw ${version}; ${near.length > 0 ? 'of that month it has' : 'its newest are'} ${others.join(', ')}. Nothing was made`,
    'Refused',
  );
}

/**
 * Asks npm, away from any project, so that only the user's and the machine's own settings count, and with a cache of its
 * own: out of its usual one npm would answer for a registry that is away.
 */
async function npm(args: readonly string[]): Promise<unknown> {
  const cache = mkdtempSync(path.join(tmpdir(), 'creel-npm-'));
  try {
    return await ask([...args, `--cache=${cache}`]);
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}

function ask(args: readonly string[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const options = { timeout: limitMs, cwd: '/', maxBuffer: 64 * 1024 * 1024 };
    execFile('npm', [...args], options, (error, stdout, stderr) => {
      if (error?.code === 'ENOENT') return reject(new TurnedDown('npm is not on PATH: it comes with Node', 'Registry'));
      const answer = parsed(stdout);
      if (error === null && answer !== undefined) return resolve(answer);
      reject(
        new TurnedDown(`the npm registry does not say what there is of openclaw: ${why(answer, stderr)}`, 'Registry'),
      );
    });
  });
}

const errorForm = z.object({ error: z.object({ summary: z.string().default(''), code: z.string().default('') }) });

function why(answer: unknown, stderr: string): string {
  const { data } = errorForm.safeParse(answer);
  const lines = stderr.split('\n').filter((line) => line.includes('npm error') && !line.includes('complete log'));
  const said = data
    ? `${data.error.code} ${data.error.summary}`
    : lines.map((each) => each.replace(/^npm error ?/, '')).join(' ');
  return `${masked(said.trim().slice(0, 300), []) || 'it was silent'}. Check the network and \`npm config get registry\``;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
