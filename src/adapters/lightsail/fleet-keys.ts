import type { KeyPair } from '@aws-sdk/client-lightsail';
import { Bug, NotYet, Refused } from '../../domain/errors.js';
import { fleetKeyName, readFleetKeyName, type FleetKey } from '../../domain/hosts/fleet-key.js';
import type { Lightsail } from './ask.js';
import { whyTaken } from './holder.js';

/** The keys of a deployment in a region: at most one in each of two slots, each named by what it is. */
export class FleetKeys {
  readonly #lightsail: Lightsail;

  constructor(lightsail: Lightsail) {
    this.#lightsail = lightsail;
  }

  async ensure(region: string, deployment: string, key: FleetKey): Promise<string> {
    const name = fleetKeyName(deployment, key);
    if (await this.#exists(region, name)) return name;
    const other = (await this.of(region, deployment)).find((each) => readFleetKeyName(each)?.slot === key.slot);
    if (other !== undefined)
      throw new Refused(
        `slot ${key.slot} of the fleet key in ${region} holds another key (${other}). Bring the next key into the other slot, or take that one out first`,
      );
    const made = await this.#lightsail.make(region, 'ImportKeyPair', name, (client, sdk, options) =>
      client.send(new sdk.ImportKeyPairCommand({ keyPairName: name, publicKeyBase64: key.publicKey }), options),
    );
    if (await this.#exists(region, name)) return name;
    if (made === 'name taken') throw await whyTaken(this.#lightsail, region, name, 'key');
    throw new NotYet(`fleet key ${name} in ${region} was brought in and cannot be seen yet`);
  }

  /** The names of a deployment's keys. */
  async of(region: string, deployment: string): Promise<string[]> {
    const all = await this.list(region);
    return all.flatMap(({ name = '' }) => (readFleetKeyName(name)?.deployment === deployment ? [name] : []));
  }

  async remove(region: string, deployment: string, name: string): Promise<void> {
    if (readFleetKeyName(name)?.deployment !== deployment) throw new Bug(`${name} is no fleet key of ${deployment}`);
    if (!(await this.#exists(region, name))) return;
    await this.#lightsail.find(region, 'DeleteKeyPair', name, (client, sdk, options) =>
      client.send(new sdk.DeleteKeyPairCommand({ keyPairName: name }), options),
    );
    if (await this.#exists(region, name)) throw new NotYet(`fleet key ${name} is still in ${region}`);
  }

  /** All of a region, ours or not. */
  list(region: string): Promise<KeyPair[]> {
    return this.#lightsail.list(
      region,
      'GetKeyPairs',
      (token, client, sdk, options) => client.send(new sdk.GetKeyPairsCommand(token), options),
      (page) => page.keyPairs,
    );
  }

  async #exists(region: string, keyPairName: string): Promise<boolean> {
    const answer = await this.#lightsail.find(region, 'GetKeyPair', keyPairName, (client, sdk, options) =>
      client.send(new sdk.GetKeyPairCommand({ keyPairName }), options),
    );
    return answer !== undefined;
  }
}
