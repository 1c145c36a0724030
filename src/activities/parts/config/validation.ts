import { z } from 'zod';
import { Refused } from '../../../domain/errors.js';
import { stateDirectory } from '../../../domain/gateway/config.js';
import { markLabels, names, type Gateway } from '../../../domain/gateway/gateway.js';
import { masked, plain } from '../../../domain/heard.js';
import { at, parseObject } from '../../../domain/json.js';
import { replacementNames } from '../../../domain/changes/replacement.js';
import type { Deps } from '../../../world/deps.js';
import { knownSecrets } from '../door/known-secrets.js';
import { releaseImageOf } from '../release.js';
import { readConfig } from './config.js';

const command = ['node', '/app/openclaw.mjs', 'config', 'validate', '--json'];
/** It takes some seconds, and a minute on a host at work; a longer one is found under way by the next attempt. */
const validationMs = 120_000;
const issuesShown = 5;

const verdict = z.object({
  issues: z.array(z.object({ path: z.string().default(''), message: z.string().default('') })).default([]),
});

/**
 * The release itself accepts the config that lies in the state, before it is started on it: `Refused` in its own words
 * otherwise. Asked only where a spec wants something in it, and never of a config that another release wrote, which a
 * start converts first.
 */
export async function demandValid(deps: Deps, gateway: Gateway): Promise<void> {
  const { mark, place, spec } = gateway;
  if (!spec.config) return;
  const writer = at(parseObject(await readConfig(deps, gateway)), ['meta', 'lastTouchedVersion']);
  if (writer !== undefined && writer !== spec.release) return;
  const { exitCode, stdout, stderr } = await deps.engineAt(place).runErrand({
    name: replacementNames(mark).rehearsal,
    labels: markLabels(mark),
    imageId: (await releaseImageOf(deps, gateway)).id,
    command,
    mounts: [{ volume: names(mark).volume, target: stateDirectory, readOnly: true }],
    limitMs: validationMs,
  });
  if (exitCode === 0) return;
  const said = masked(plain(wordsOf(stdout, stderr), 800), await knownSecrets(deps, gateway));
  throw new Refused(
    `release ${spec.release} does not accept the config of gateway ${mark.gateway}: ${said}. Nothing was started. Mend [config] in its file. See docs/runbook.md#config-not-accepted`,
  );
}

function wordsOf(stdout: string, stderr: string): string {
  const { success, data } = verdict.safeParse(parseObject(stdout.slice(Math.max(0, stdout.indexOf('{')))));
  if (!success || data.issues.length === 0) return (stdout + stderr).trim();
  return data.issues
    .slice(0, issuesShown)
    .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
    .join('; ');
}
