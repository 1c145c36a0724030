import { planRotation, takeUp, type SecretPlan } from '../../../client/deployment/secret-rotation.js';
import type { Asking } from '../../../client/apply/carry-on.js';
import type { Flags } from '../../../client/connect.js';
import { Refused } from '../../../domain/errors.js';
import { gatewayId } from '../../../domain/gateway/gateway.js';
import { formFaults } from '../../../domain/gateway/named-secret.js';
import { secretName } from '../../../domain/secret-name.js';
import type { Secret } from '../../../domain/secret.js';
import type { SecretStore } from '../../../ports/secret-store.js';
import { atOnceOf, atOnceOption, carryOut, exitOfEnds } from '../../carry-out.js';
import { Ended, exits, type Exit } from '../../exit.js';
import {
  refusedLines,
  secretPlanJson,
  secretPlanLines,
  storedAnewLine,
  whatNowLines,
} from '../../show/plans/secret-plan.js';
import { sayingSlow, verb } from '../../verb.js';
import { origin } from '../provision.js';
import { readValue, withStore } from './secret-input.js';

/** `creel secret rotate NAME`: another value, stored and taken up by every gateway that names it, each proved. */
export function rotateSecretCommand() {
  return verb(
    'rotate',
    'store another value, and have every gateway that names it take it up, each proved or as before; needs a worker',
    [
      'creel secret rotate anthropic-key < key.txt',
      'creel secret rotate anthropic-key --dry-run         who takes it up, how, and for how long each is silent',
      'creel secret rotate anthropic-key --stored          goes on with the value that is stored already',
      'creel secret rotate anthropic-key --without g7,g9 < key.txt',
    ],
  )
    .addHelpText(
      'before',
      'Nothing is stored while one of the gateways would refuse it at once. The same command again goes on from there.\n',
    )
    .argument('<name>', 'as `creel secret list` shows it; the value is read from standard input')
    .option('--stored', 'no value is read: the one that is stored is taken up, by whoever has not yet')
    .option('--without <ids>', 'leave these gateways alone, with commas between; they take it up by their next repair')
    .addOption(atOnceOption)
    .option(
      '--dry-run',
      'say who takes it up, how, and for how long each is silent; nothing is read, stored or touched',
    )
    .action(rotateSecret);
}

type Options = Flags & {
  readonly json?: true;
  readonly stored?: true;
  readonly without?: string;
  readonly atOnce?: string;
  readonly dryRun?: true;
};

async function rotateSecret(given: string, options: Options): Promise<void> {
  const name = secretName(given);
  const atOnce = atOnceOf(options.atOnce);
  const leftOut = options.without === undefined ? [] : options.without.split(',').map((each) => gatewayId(each.trim()));
  const isGiven = !options.stored && !options.dryRun;
  const value = isGiven ? await readValue(process.stdin, `creel secret rotate ${name}`) : undefined;
  const json = options.json === true;
  await withStore(options, async (store, client) => {
    const look = (version: string | undefined) =>
      sayingSlow(`looking at the gateways that name ${name}`, () =>
        planRotation(client, { name, ...(version !== undefined && { version }) }, leftOut, origin()),
      );
    const before = await store.versionOf(name);
    if (options.stored && before === undefined)
      throw new Ended(`no secret named ${name} is stored. Leave --stored out, and pipe it in`, exits.refused);
    const plan = await look(before);
    if (options.dryRun) {
      process.exitCode = showPlan(name, plan, json);
      return;
    }
    demandPossible(name, plan, 'nothing was stored or begun');
    if (value) demandForms(name, plan, value);
    const version = await storeUnlessThere(store, name, value, { before, plan, json });
    if (before === undefined) demandPossible(name, await look(version), `${name} is stored, and no gateway was asked`);
    const now = () => store.versionOf(name);
    const jobs = plan.takers.map((each) => (asking: Asking) => takeUp(client, { name, version }, each, now, asking));
    const ends = await carryOut(jobs, atOnce, json);
    const lines = whatNowLines(name, ends, plan);
    if (!json && lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
    process.exitCode = exitOfEnds(ends);
  });
}

function showPlan(name: string, plan: SecretPlan, json: boolean): Exit {
  process.stdout.write(
    json ? `${JSON.stringify(secretPlanJson(name, plan))}\n` : `${secretPlanLines(name, plan).join('\n')}\n`,
  );
  return plan.takers.some(({ refused }) => refused.length > 0) ? exits.refused : exits.done;
}

/** Stores the value, unless none is given or that very one is there, and says so. What tells it from others. */
async function storeUnlessThere(
  store: SecretStore,
  name: string,
  value: Secret | undefined,
  { before, plan, json }: { readonly before: string | undefined; readonly plan: SecretPlan; readonly json: boolean },
): Promise<string> {
  const isOther = value !== undefined && !(await isStored(store, name, before, value));
  if (value && isOther) await store.write(name, value);
  process.stdout.write(
    json ? `${JSON.stringify({ secret: name, stored: isOther })}\n` : `${storedAnewLine(name, isOther, plan)}\n`,
  );
  return (await store.versionOf(name)) ?? '';
}

async function isStored(
  store: SecretStore,
  name: string,
  version: string | undefined,
  value: Secret,
): Promise<boolean> {
  return version !== undefined && (await store.read(name)).reveal() === value.reveal();
}

/** Nothing is stored, and nobody asked, while one gateway would say no at once. */
function demandPossible(name: string, plan: SecretPlan, so: string): void {
  const lines = refusedLines(name, plan);
  if (lines.length > 0) throw new Ended(`${so}, because of\n${lines.join('\n')}`, exits.refused);
}

/** A value that cannot be what a gateway takes it for is `Refused` before the one that works is gone. */
function demandForms(name: string, { takers }: SecretPlan, value: Secret): void {
  const faults = takers.flatMap(({ gateway, spec }) =>
    spec ? formFaults(spec, name, value).map((each) => `${gateway}: ${each}`) : [],
  );
  if (faults.length > 0)
    throw new Refused(
      `the value is not what ${name} is used for. Nothing was stored\n${faults.map((each) => `  ${each}`).join('\n')}`,
    );
}
