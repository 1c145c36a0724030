import { Command, Option } from '@commander-js/extra-typings';
import type { Client } from '@temporalio/client';
import { failedUpgrades } from '../../../client/failed-upgrades.js';
import { knownVersions, listReleases, removeRelease, tellRelease } from '../../../client/deployment/releases.js';
import { Refused } from '../../../domain/errors.js';
import { releaseImage, releaseVersion, type Release } from '../../../domain/release/release.js';
import { judge, type Check } from '../../../domain/release/upstream.js';
import { readUpstream } from '../../../releases/registry.js';
import { startTime } from '../../../settings/catalogue.js';
import { Ended, exits, type Exit } from '../../exit.js';
import { checkText, releaseList } from '../../show/deployment/releases.js';
import { verb, withTemporal } from '../../verb.js';

/** `creel release`: the releases that gateways may be on. */
export function releaseCommand() {
  return new Command('release')
    .description('the releases of OpenClaw that gateways may be on: show, add, take out, and look which are newer')
    .addCommand(listCommand())
    .addCommand(checkCommand())
    .addCommand(addCommand())
    .addCommand(removeCommand());
}

function listCommand() {
  return verb(
    'list',
    "every release on record or in a worker's file, on which machines its image is, and its gateways",
    ['creel release list', 'creel release list --json | jq -r .releases[].version'],
  ).action(async (options) => {
    await withTemporal(options, async (client) => {
      const { releases, silent } = await listReleases(client);
      if (options.json) return void process.stdout.write(`${JSON.stringify({ releases, silent })}\n`);
      process.stdout.write(releaseList(releases, silent));
    });
  });
}

function checkCommand() {
  return verb(
    'check',
    'which releases are newer than those there are, and which went back here. Exit 0: none is newer, 5: one is, 7: as far as is known, for a worker does not say what it has',
    ['creel release check', 'creel release check --json || creel release list'],
  ).action(async (options) => {
    await withTemporal(options, async (client) => {
      const [upstream, known, failed] = await Promise.all([
        readUpstream(),
        knownVersions(client),
        failedUpgrades(client),
      ]);
      const check = judge(upstream, known.versions, failed);
      const { silent } = known;
      const exit = checkExit(check, silent);
      process.stdout.write(options.json ? `${JSON.stringify({ ...check, silent, exit })}\n` : checkText(check, silent));
      process.exitCode = exit;
    });
  });
}

/** A worker that is silent may know the release that seems to be newer. */
function checkExit({ newer }: Check, silent: readonly string[]): Exit {
  if (newer.length === 0) return exits.done;
  return silent.length === 0 ? exits.attention : exits.noWorker;
}

function addCommand() {
  return verb(
    'add',
    'make the image of a release on this machine, try it, and put it on record for all workers at once',
    [
      "creel release add 2026.9.6                                       as the worker's user on its machine",
      'creel release add 2026.9.6 --push registry.example/openclaw      for the engines of all machines',
      'creel release add 2026.9.6 --base ghcr.io/openclaw/openclaw@sha256:…       on the official image, by its digest',
      'creel release add 2026.9.6 --image registry.example/openclaw@sha256:…      made and tried elsewhere',
    ],
  )
    .argument('<version>', 'the release, for example 2026.9.6')
    .option('--push <registry/name>', "push the image there, by the credentials of Docker's command line")
    .option('--base <reference>', "make it on OpenClaw's own image, named as repository@sha256:…")
    .addOption(
      new Option('--image <reference>', 'its prepared image, made elsewhere, as repository@sha256:…').conflicts([
        'push',
        'base',
        'upgrade',
      ]),
    )
    .option('--dev', "with --image: it is on the workers' engines already, and only a spec with dev = true takes it")
    .option('--no-upgrade', 'try it on a new gateway alone: for those that begin on it')
    .option('--ready-within <time>', 'how long any start of it may take')
    .option('--first-ready-within <time>', 'how long its first start after an upgrade may take')
    .action(async (given, options) => {
      const version = releaseVersion(given);
      const { image, dev = false, readyWithin, firstReadyWithin } = options;
      if (options.base !== undefined) releaseImage(options.base, false);
      const times = {
        ...(readyWithin !== undefined && { readyMs: startTime('--ready-within', readyWithin) }),
        ...(firstReadyWithin !== undefined && { firstReadyMs: startTime('--first-ready-within', firstReadyWithin) }),
      };
      if (dev && image === undefined)
        throw new Refused('--dev goes with --image: an image that is made here is a dev one unless it is pushed');
      await withTemporal(options, async (client) => {
        if (image === undefined) return makeAndAdd(client, version, times, options);
        const line: Release = { version, image, dev, ...times };
        await tellRelease(client, { word: 'add', line });
        const said = `Release ${version} is on record: every worker takes it from now on. It was not tried here: the first gateway that asks for it shows whether its image is what it should be.`;
        process.stdout.write(`${options.json ? JSON.stringify({ added: line }) : said}\n`);
      });
    });
}

async function makeAndAdd(
  client: Client,
  version: string,
  times: Pick<Release, 'readyMs' | 'firstReadyMs'>,
  options: {
    readonly push?: string | undefined;
    readonly base?: string | undefined;
    readonly upgrade: boolean;
    readonly json?: true | undefined;
  },
): Promise<void> {
  const { addRelease } = await import('../../../releases/add.js'); // Too heavy to load for every verb.
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () =>
      ending.abort(new Ended('interrupted: the same command goes on where it was', exits.interrupted)),
    );
  const say = (sentence: string) => process.stderr.write(`  ${sentence}\n`);
  const { line, sbom } = await addRelease(client, {
    version,
    push: options.push,
    base: options.base,
    upgrade: options.upgrade,
    times,
    signal: ending.signal,
    say,
  });
  const takes = line.dev ? 'a spec with dev = true takes it, on this machine' : 'every spec takes it, on every machine';
  const said = `Release ${version} is on record as ${line.image}: ${takes}. What it consists of: ${sbom}`;
  process.stdout.write(`${options.json ? JSON.stringify({ added: line, sbom }) : said}\n`);
}

function removeCommand() {
  return verb('remove', 'take a release off the record, unless a gateway needs it; needs a worker, which asks them', [
    'creel release remove 2026.6.11',
  ])
    .argument('<version>', 'as `creel release list` shows it')
    .action(async (given, options) => {
      const version = releaseVersion(given);
      await withTemporal(options, async (client) => {
        const was = await removeRelease(client, version);
        const said = was
          ? `Release ${version} is off the record; its image stays on the engines that have it.`
          : `Release ${version} was not on record. A line in a worker's own file is taken out there.`;
        process.stdout.write(`${options.json ? JSON.stringify({ removed: was ? version : null }) : said}\n`);
      });
    });
}
