import { invalid } from './answer.js';

type Bundle = {
  readonly bundleId: string;
  readonly price: number;
  readonly ramSizeInGb: number;
  readonly cpuCount: number;
  readonly diskSizeInGb: number;
  readonly isActive: boolean;
  readonly publicIpv4AddressCount: number;
  readonly supportedPlatforms: readonly string[];
};

type Blueprint = {
  readonly blueprintId: string;
  readonly name: string;
  readonly type: string;
  readonly platform: string;
  readonly isActive: boolean;
  readonly login: string;
};

const linux = { isActive: true, publicIpv4AddressCount: 1, supportedPlatforms: ['LINUX_UNIX'] };

/** What Lightsail sold in 2026, with a size of Windows, one without an IPv4 address and one that is sold no more. */
export const bundles: readonly Bundle[] = [
  { bundleId: 'nano_3_0', price: 5, ramSizeInGb: 0.5, cpuCount: 2, diskSizeInGb: 20, ...linux },
  { bundleId: 'micro_3_0', price: 7, ramSizeInGb: 1, cpuCount: 2, diskSizeInGb: 40, ...linux },
  { bundleId: 'small_2_0', price: 10, ramSizeInGb: 2, cpuCount: 1, diskSizeInGb: 60, ...linux, isActive: false },
  {
    ...linux,
    bundleId: 'small_ipv6_3_0',
    price: 10,
    ramSizeInGb: 2,
    cpuCount: 2,
    diskSizeInGb: 60,
    publicIpv4AddressCount: 0,
  },
  { bundleId: 'small_3_0', price: 12, ramSizeInGb: 2, cpuCount: 2, diskSizeInGb: 60, ...linux },
  {
    ...linux,
    bundleId: 'small_win_3_0',
    price: 22,
    ramSizeInGb: 2,
    cpuCount: 2,
    diskSizeInGb: 60,
    supportedPlatforms: ['WINDOWS'],
  },
  { bundleId: 'medium_3_0', price: 24, ramSizeInGb: 4, cpuCount: 2, diskSizeInGb: 80, ...linux },
  { bundleId: 'large_3_0', price: 44, ramSizeInGb: 8, cpuCount: 2, diskSizeInGb: 160, ...linux },
  { bundleId: 'xlarge_3_0', price: 84, ramSizeInGb: 16, cpuCount: 4, diskSizeInGb: 320, ...linux },
  { bundleId: '2xlarge_3_0', price: 164, ramSizeInGb: 32, cpuCount: 8, diskSizeInGb: 640, ...linux },
];

const os = { type: 'os', platform: 'LINUX_UNIX', isActive: true };

export const blueprints: readonly Blueprint[] = [
  { blueprintId: 'debian_11', name: 'Debian', login: 'admin', ...os, isActive: false },
  { blueprintId: 'debian_12', name: 'Debian', login: 'admin', ...os },
  { blueprintId: 'ubuntu_22_04', name: 'Ubuntu', login: 'ubuntu', ...os },
  { blueprintId: 'ubuntu_24_04', name: 'Ubuntu', login: 'ubuntu', ...os },
  { blueprintId: 'amazon_linux_2023', name: 'Amazon Linux 2023', login: 'ec2-user', ...os },
  { blueprintId: 'openclaw_ls_1_0', name: 'OpenClaw', login: 'ubuntu', ...os, type: 'app' },
  {
    blueprintId: 'windows_server_2022',
    name: 'Windows Server 2022',
    login: 'Administrator',
    ...os,
    platform: 'WINDOWS',
  },
];

/** Regions and the letters of their zones. */
export const regions: Readonly<Record<string, string>> = {
  'eu-central-1': 'abc',
  'eu-west-1': 'abc',
  'us-east-1': 'abcdef',
  'us-west-2': 'abc',
};

export function bundleOf(bundleId: string): Bundle {
  const found = bundles.find((each) => each.bundleId === bundleId);
  if (!found?.isActive) throw invalid(`The bundle does not exist or is not active: ${bundleId}`);
  return found;
}

export function blueprintOf(blueprintId: string): Blueprint {
  const found = blueprints.find((each) => each.blueprintId === blueprintId);
  if (!found?.isActive) throw invalid(`The blueprint does not exist or is not active: ${blueprintId}`);
  return found;
}

/** Zones of a region, as they are named. */
export function zonesOf(region: string): string[] {
  return Array.from(regions[region] ?? '', (letter) => `${region}${letter}`);
}
