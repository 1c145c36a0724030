import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import ssh2 from 'ssh2';
import { Refused } from '../domain/errors.js';
import type { Held } from '../domain/hosts/held.js';
import type { Place } from '../domain/hosts/place.js';
import { Lightsail } from '../open-lightsail.js';

import { readLightsail, type LightsailSetting } from '../settings/lightsail.js';
import type { DemoHome, DemoHost } from './demo-home.js';
import type { Found } from './found.js';
import { ContainerBody } from './lightsail/container-body.js';
import { LightsailStandIn } from './lightsail/stand-in.js';

/** A network for examples (RFC 5737): the stand-in has no firewall that anybody stands before. */
const nobody = '198.51.100.7/32';

/** Where Amazon says from which address one came. */
const whoAmI = 'https://checkip.amazonaws.com';
const whoAmIMs = 10_000;

type StandIn = { readonly account: LightsailStandIn; readonly body: ContainerBody };

type OnMachine = Exclude<DemoHost, { readonly kind: 'local' }>;

/** The machines of the demo: sold by the stand-in, where they are containers of this engine, or by Lightsail itself. */
export class DemoMachines {
  readonly host: OnMachine;
  readonly #setting: LightsailSetting;
  readonly #standIn: StandIn | undefined;
  readonly #open: { close: () => void }[] = [];

  private constructor(host: OnMachine, setting: LightsailSetting, standIn: StandIn | undefined) {
    this.host = host;
    this.#setting = setting;
    this.#standIn = standIn;
  }

  /**
   * What is needed before anybody can buy: the key to the machines and the settings of the worker, which has its
   * credentials from this process. `Refused` where a real machine is wanted and there are no credentials.
   */
  static async open(home: DemoHome, found: Found, host: OnMachine, workers: string | undefined): Promise<DemoMachines> {
    const standIn = host.kind === 'stand-in' ? await openStandIn(home, found) : undefined;
    if (!standIn) await demandCredentials(host.region);
    writeSettings(home, standIn ? nobody : (workers ?? (await ownAddress())));
    const setting = readLightsail(home.lightsailFile, home.lightsailFile, undefined);
    if (!setting) throw new Error(`${home.lightsailFile} says nothing`);
    return new DemoMachines(host, setting, standIn);
  }

  /** What of a deployment costs or holds a name, without the key that costs nothing. */
  async left(deployment: string): Promise<Held[]> {
    const held = await this.#of(deployment).machines.provider.listHeld(this.host.region);
    return held.filter((each) => each.deployment === deployment && each.kind !== 'key');
  }

  /** Takes away what belongs to no machine and is of no use without one. */
  async takeAway(deployment: string): Promise<void> {
    const { provider } = this.#of(deployment).machines;
    const { region } = this.host;
    for (const name of await provider.listFleetKeys(region, deployment))
      await provider.removeFleetKey(region, deployment, name);
    const { body } = this.#standIn ?? {};
    for (const id of (await body?.list()) ?? []) await body?.delete(id);
  }

  /**
   * Leads a port of this machine's loopback over SSH to the same one of a gateway's machine, so that a link to it opens
   * here; false where somebody else listens on it.
   */
  async lead(deployment: string, place: Place, port: number): Promise<boolean> {
    const reached = this.#of(deployment).reach(place);
    this.#open.push({ close: () => reached.close?.() });
    const server = net.createServer((socket) => {
      socket.on('error', () => undefined); // Whoever hung up has what they wanted.
      const end = () => void socket.destroy();
      reached.dial(port).then((way) => {
        way.once('error', end).once('close', end);
        socket.once('close', () => void way.destroy());
        socket.pipe(way).pipe(socket);
      }, end);
    });
    return await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen({ host: '127.0.0.1', port }, () => {
        this.#open.push(server);
        resolve(true);
      });
    });
  }

  async close(): Promise<void> {
    for (const each of this.#open) each.close();
    await this.#standIn?.account.close();
  }

  #of(deployment: string): Lightsail {
    const made = new Lightsail(this.#setting, { deployment, signal: () => undefined });
    this.#open.push(made);
    return made;
  }
}

/** The stand-in, as an earlier demo left it; from now on this process and its worker buy from nobody else. */
async function openStandIn(home: DemoHome, found: Found): Promise<StandIn> {
  if (!found.machine)
    throw new Refused('the image of a machine is not prepared: run `npm run demo -- --host lightsail`');
  const owner = `demo-${createHash('sha256').update(home.directory).digest('hex').slice(0, 12)}`;
  const socketPath = found.docker.slice('unix://'.length);
  const body = new ContainerBody({ socketPath, image: found.machine, owner });
  const account = await LightsailStandIn.open({ directory: path.join(home.machines, 'account'), body });
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, account.environment);
  return { account, body };
}

async function demandCredentials(region: string): Promise<void> {
  const { LightsailClient } = await import('@aws-sdk/client-lightsail');
  const client = new LightsailClient({ region });
  try {
    await client.config.credentials();
  } catch (error) {
    throw new Refused(
      'there are no AWS credentials here, and a machine in a region is a real one: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Without --region a stand-in sells it, on this machine and for nothing',
      { cause: error },
    );
  } finally {
    client.destroy();
  }
}

/** The network that this machine's own address is, as Amazon sees it. */
async function ownAddress(): Promise<string> {
  try {
    const answer = await fetch(whoAmI, { signal: AbortSignal.timeout(whoAmIMs) });
    const address = (await answer.text()).trim();
    if (net.isIPv4(address)) return `${address}/32`;
    throw new Error(`${whoAmI} answered ${answer.status}`);
  } catch (error) {
    throw new Refused(
      `${whoAmI} does not say from which address this machine goes out, and its firewall lets nobody else in: say it by --workers 198.51.100.7/32`,
      { cause: error },
    );
  }
}

function writeSettings(home: DemoHome, workers: string): void {
  mkdirSync(home.machines, { recursive: true, mode: 0o700 });
  const key = path.join(home.machines, 'fleet_ed25519');
  if (!existsSync(key)) writeFileSync(key, newKey(), { mode: 0o600 });
  const text = `workers = [${JSON.stringify(workers)}]\n\n[[fleet_key]]\nslot = "a"\nidentity = "fleet_ed25519"\n`;
  writeFileSync(home.lightsailFile, text, { mode: 0o600 });
}

/** Some of the pairs that ssh2 makes are malformed, and read by nobody. */
function newKey(): string {
  const { private: made } = ssh2.utils.generateKeyPairSync('ed25519');
  return ssh2.utils.parseKey(made) instanceof Error ? newKey() : made;
}
