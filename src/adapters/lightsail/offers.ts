import { leastMachineMb, type MachineSize, type MachineSystem, type Region } from '../../domain/hosts/machine.js';
import type { Lightsail } from './ask.js';

const systemForm = /^(debian|ubuntu)_(\d+)(?:_(\d+))?$/;

/** The region that always exists: the others are asked for there. */
const home = 'us-east-1';

/** What Lightsail sells, and where. */
export class Offers {
  readonly #lightsail: Lightsail;

  constructor(lightsail: Lightsail) {
    this.#lightsail = lightsail;
  }

  async regions(): Promise<Region[]> {
    const { regions } = await this.#lightsail.ask(home, 'GetRegions', 'all regions', (client, sdk, options) =>
      client.send(new sdk.GetRegionsCommand({ includeAvailabilityZones: true }), options),
    );
    return (regions ?? []).flatMap(({ name, availabilityZones }) => {
      const open = (availabilityZones ?? []).filter(({ state }) => state === undefined || state === 'available');
      const zones = open.flatMap(({ zoneName }) => (zoneName === undefined ? [] : [zoneName]));
      return name === undefined ? [] : [{ name, zones: zones.toSorted() }];
    });
  }

  /** By what they have, because their ids differ from region to region; not those that have an IPv6 address only. */
  async sizes(region: string): Promise<MachineSize[]> {
    const bundles = await this.#lightsail.list(
      region,
      'GetBundles',
      (token, client, sdk, options) => client.send(new sdk.GetBundlesCommand(token), options),
      (page) => page.bundles,
    );
    const sizes = bundles
      .filter(({ isActive, supportedPlatforms, publicIpv4AddressCount, supportedAppCategories }) => {
        const isLinux = supportedPlatforms?.includes('LINUX_UNIX') === true;
        const isPlain = (supportedAppCategories ?? []).length === 0;
        return isActive === true && isLinux && isPlain && (publicIpv4AddressCount ?? 0) >= 1;
      })
      .map((each) => ({
        id: each.bundleId ?? '',
        memoryMb: Math.round((each.ramSizeInGb ?? 0) * 1024),
        cpus: each.cpuCount ?? 0,
        diskGb: each.diskSizeInGb ?? 0,
        monthlyUsd: each.price ?? 0,
      }));
    return sizes
      .filter(({ id, memoryMb, monthlyUsd }) => id !== '' && memoryMb >= leastMachineMb && monthlyUsd > 0)
      .toSorted((one, other) => one.monthlyUsd - other.monthlyUsd || one.id.localeCompare(other.id));
  }

  /** What each size costs in a month, in USD: also those that are sold no more, of which machines may be left. */
  async prices(region: string): Promise<ReadonlyMap<string, number>> {
    const bundles = await this.#lightsail.list(
      region,
      'GetBundles',
      (token, client, sdk, options) =>
        client.send(new sdk.GetBundlesCommand({ ...token, includeInactive: true }), options),
      (page) => page.bundles,
    );
    return new Map(
      bundles.flatMap(({ bundleId, price }) => (bundleId && price !== undefined ? [[bundleId, price]] : [])),
    );
  }

  async systems(region: string): Promise<MachineSystem[]> {
    const blueprints = await this.#lightsail.list(
      region,
      'GetBlueprints',
      (token, client, sdk, options) => client.send(new sdk.GetBlueprintsCommand(token), options),
      (page) => page.blueprints,
    );
    return blueprints.flatMap(({ blueprintId = '', type, platform, isActive }) => {
      const [, family, major = '', minor = ''] = systemForm.exec(blueprintId) ?? [];
      const fits = type === 'os' && platform === 'LINUX_UNIX' && isActive === true;
      if (!fits || (family !== 'debian' && family !== 'ubuntu')) return [];
      return [{ id: blueprintId, family, version: Number(`${major}${minor}`) }];
    });
  }
}
