import { rmSync } from 'node:fs';
import { Refused } from '../domain/errors.js';
import { machineWish } from '../domain/hosts/machine-wish.js';
import { rememberedHost, rememberHost, type DemoHome, type DemoHost } from './demo-home.js';

/** Where a machine of the stand-in stands. */
const standInRegion = 'eu-central-1';

/** Where a person wants the gateway to stand, or `Refused`. A real machine is bought only where a region is named. */
export function demoHost({
  host,
  region,
}: {
  readonly host?: string | undefined;
  readonly region?: string | undefined;
}): DemoHost {
  if (host !== undefined && host !== 'local' && host !== 'lightsail')
    throw new Refused(`--host is ${JSON.stringify(host)}: it must be "lightsail", or be left out`);
  if (host !== 'lightsail' && region !== undefined)
    throw new Refused('--region says where a machine is bought: it goes with --host lightsail');
  if (host !== 'lightsail') return { kind: 'local' };
  const { region: wanted } = machineWish({ provider: 'lightsail', region: region ?? standInRegion });
  return { kind: region === undefined ? 'stand-in' : 'lightsail', region: wanted };
}

/** The command by which a demo of this host is begun. */
function commandOf(host: DemoHost): string {
  if (host.kind === 'local') return 'npm run demo';
  return `npm run demo -- --host lightsail${host.kind === 'lightsail' ? ` --region ${host.region}` : ''}`;
}

/**
 * `Refused` while an earlier demo has something elsewhere: a worker that is set up for one seller of machines knows
 * nothing of what the other sold.
 */
export function demandHost(home: DemoHome, host: DemoHost): void {
  const before = rememberedHost(home);
  if (before && commandOf(before) !== commandOf(host))
    throw new Refused(
      `the gateway of an earlier demo stands on ${hostText(before)}. \`${command(before, '--once')}\` ends it; then ask again`,
    );
}

/** Notes where the gateway is to stand, right before it is begun there. */
export function holdHost(home: DemoHome, host: DemoHost): void {
  if (host.kind !== 'local') rememberHost(home, host);
}

/** Once nothing of the demo stands on a machine, neither its key nor the account of the stand-in is of use. */
export function letGoOfHost(home: DemoHome, isBare: boolean): void {
  if (isBare || !rememberedHost(home)) rmSync(home.machines, { recursive: true, force: true });
}

/** What a person has to know who leaves a demo of which something is left; undefined where that costs nothing. */
export function costsOn(home: DemoHome): string | undefined {
  const host = rememberedHost(home);
  if (host?.kind !== 'lightsail') return undefined;
  return `A machine that was bought at Lightsail in ${host.region} stays and COSTS ON, stopped or not, until \`${command(host, '--once')}\` has removed it.`;
}

function command(host: DemoHost, flag: string): string {
  const plain = commandOf(host);
  return plain.includes(' -- ') ? `${plain} ${flag}` : `${plain} -- ${flag}`;
}

function hostText(host: DemoHost): string {
  if (host.kind === 'local') return "this machine's own engine";
  return host.kind === 'stand-in' ? 'a machine of the stand-in' : `a machine at Lightsail in ${host.region}`;
}
