import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { ExportDirectory } from '../../src/adapters/files/export-directory.js';
import { createActivities, type Activities } from '../../src/activities/activities.js';
import { FenceBook } from '../../src/world/fence-book.js';
import type { Deps } from '../../src/world/deps.js';
import type { FormerIds } from '../../src/domain/hosts/engine-id.js';
import { birthFrom, layout, names, type Gateway, type Names } from '../../src/domain/gateway/gateway.js';
import { isMachine, type Place } from '../../src/domain/hosts/place.js';
import type { GatewaySpec } from '../../src/domain/gateway/spec.js';
import { firstEpoch } from '../../src/domain/recovery/epoch.js';
import { straightOut } from '../../src/domain/hosts/egress.js';
import { versionText } from '../../src/settings/version.js';
import { scratchDirectory } from './scratch.js';
import { DirectoryAudit } from './directory-audit.js';
import { DirectoryEngine, engineIdAt } from './directory-engine.js';
import { DirectoryHeartbeat } from './directory-heartbeat.js';
import { DirectoryHosts, doorsOf, machinesIn, rootOf } from './machine-world.js';
import { DirectoryPager } from './directory-pager.js';
import { DirectorySecrets } from './directory-secrets.js';
import { attemptSignal, momentous, passMoment } from './moments.js';
import { testKeys } from './test-keys.js';
import { noRecords } from '../../src/releases/no-records.js';

export const testRelease = '2026.9.6';
export const testDeployment = 'testdeploy';
/** The master key that a test world begins with. */
export const testKeyHex = 'ab'.repeat(32);

/** What is on the engine of a test world, and how each differs from a release that is what it says. */
const testReleases: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [testRelease]: { 'creel.schema.state': '18' },
  '2026.9.7': { 'creel.schema.state': '19' },
  '2026.9.8-crashes': { 'creel.schema.state': '19', 'test.behaviour': 'crashes' },
  '2026.9.8-never': { 'creel.schema.state': '19', 'test.behaviour': 'never ready' },
  '2026.9.8-wrong': { 'creel.schema.state': '19', 'test.version': testRelease },
  '2026.9.8-hangs': { 'creel.schema.state': '19', 'test.behaviour': 'hangs on stop' },
  '2026.9.8-slow': { 'creel.schema.state': '19', 'creel.capabilities': 'startupz', 'test.boot': '1500' },
  '2026.9.8-refuses': { 'creel.schema.state': '19', 'test.errand': '{"problems":["database preflight: exit 1"]}' },
  '2026.9.8-takes': { 'creel.schema.state': '19', 'test.takes': 'customerNotes' },
  '2026.9.8-schema': { 'creel.schema.state': '17' },
};

/** What the image of a release is called. */
export function imageOf(version: string): string {
  return `creel/openclaw:${version}`;
}

/** All ports over one directory, and the activities over them. */
export type TestWorld = {
  readonly root: string;
  readonly engine: DirectoryEngine;
  readonly deps: Deps;
  readonly activities: Activities;
  readonly gateway: (id: string) => Gateway;
  readonly namesOf: (gateway: Gateway) => Names;
  readonly close: () => void;
};

/** What an operation of a test asks for. */
export const testSpec: GatewaySpec = {
  release: testRelease,
  dev: true,
  memoryMb: 2048,
  cpus: 1,
  keepStateMs: 0,
  parkMs: 0,
  channels: [],
  fence: 'off',
};

/** Opens a world in a directory; one of its own, which `close` removes, when none is given. */
export function openTestWorld(
  root = scratchDirectory('creel-world-'),
  keyRoot = root,
  formerIds: FormerIds = () => [],
): TestWorld {
  const engine = new DirectoryEngine(root, attemptSignal, {}, formerIds);
  engine.betweenPieces = () => passMoment('piece of a copy');
  for (const [index, [version, labels]] of Object.entries(testReleases).entries()) {
    engine.addImage(imageOf(version), {
      id: `sha256:${String(index + 1).repeat(64)}`,
      labels: {
        'creel.release': version,
        'creel.plugins': 'telegram',
        'creel.capabilities': 'startupz,hot-reload-token',
        ...labels,
      },
    });
  }
  const engineIn = (place: Place) =>
    isMachine(place) ? new DirectoryEngine(rootOf(root, place), attemptSignal, place, formerIds) : engine.at(place);
  const keys = testKeys(keyRoot, testKeyHex);
  const deps: Deps = {
    epoch: firstEpoch,
    keys,
    catalogue: Object.keys(testReleases).map((version) => ({ version, image: imageOf(version), dev: true })),
    egress: straightOut,
    allowed: [],
    putsFence: false,
    fences: new FenceBook(),
    pool: { cidr: process.env['TEST_POOL'] ?? '10.213.0.0/16', prefix: 28, firstPort: 19_100 },
    hosts: new DirectoryHosts(root, formerIds),
    ceiling: process.env['TEST_CEILING'] === undefined ? undefined : Number(process.env['TEST_CEILING']),
    machines: machinesIn(root),
    engineAt: (place) => momentous(engineIn(place)),
    door: momentous(doorsOf(root)),
    secrets: new DirectorySecrets(root),
    pager: new DirectoryPager(root),
    audit: new DirectoryAudit(root),
    heartbeat: new DirectoryHeartbeat(root),
    exports: new ExportDirectory({ directory: path.join(root, 'exports'), keep: 2 }),
    startPeriodMs: 0,
    about: { creel: versionText(), deployment: testDeployment, pager: process.env['TEST_PAGER'] !== 'none' },
    readBackup: () => ({ at: Date.now(), keyIds: keys.all().map(({ id }) => id), secretsChanged: false }),
    signal: attemptSignal,
    findOpenOperations: async () => [],
    records: noRecords,
    temporalNow: async () => Date.now(),
    findEngines: async () => [],
    gatewaysOn: async () => [],
  };
  return {
    root,
    engine,
    deps,
    activities: createActivities(deps),
    gateway: (id) => ({
      mark: { deployment: testDeployment, gateway: id, birth: birthFrom(randomBytes(6)), layout },
      place: { provider: 'local', host: 'local', engine: engineIdAt(root) },
      spec: testSpec,
      tokenGeneration: 1,
      deviceGeneration: 1,
    }),
    namesOf: (gateway) => names(gateway.mark),
    close: () => fs.rmSync(root, { recursive: true, force: true }),
  };
}
