import type { InstanceSnapshot } from '@aws-sdk/client-lightsail';
import { carries } from '../../domain/gateway/gateway.js';
import type { MachineAt } from '../../domain/hosts/machine.js';
import type { Lightsail } from './ask.js';
import { labelsOf } from './marks.js';

/** Snapshots of machines; they outlive those. */
export class Snapshots {
  readonly #lightsail: Lightsail;

  constructor(lightsail: Lightsail) {
    this.#lightsail = lightsail;
  }

  /** Removes those with the machine's own mark; the names of those that are still there. */
  async remove(at: MachineAt): Promise<string[]> {
    for (const name of await this.#ours(at)) {
      await this.#lightsail.find(at.region, 'DeleteInstanceSnapshot', name, (client, sdk, options) =>
        client.send(new sdk.DeleteInstanceSnapshotCommand({ instanceSnapshotName: name }), options),
      );
    }
    return this.#ours(at);
  }

  /** All of a region, ours or not. */
  list(region: string): Promise<InstanceSnapshot[]> {
    return this.#lightsail.list(
      region,
      'GetInstanceSnapshots',
      (token, client, sdk, options) => client.send(new sdk.GetInstanceSnapshotsCommand(token), options),
      (page) => page.instanceSnapshots,
    );
  }

  async #ours({ mark, region }: MachineAt): Promise<string[]> {
    const all = await this.list(region);
    return all.flatMap(({ name, tags }) => (name !== undefined && carries(labelsOf(tags), mark) ? [name] : []));
  }
}
