import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createActivities, type Activities } from '../../src/activities/activities.js';
import type { Deps } from '../../src/activities/deps.js';
import { birthFrom, layout, names, type Gateway, type Names } from '../../src/domain/gateway.js';
import type { GatewaySpec } from '../../src/domain/gateway-spec.js';
import { masterKey } from '../../src/domain/token.js';
import { DirectoryAudit } from './directory-audit.js';
import { DirectoryDoor } from './directory-door.js';
import { DirectoryEngine } from './directory-engine.js';
import { DirectoryHost } from './directory-host.js';
import { DirectoryPager } from './directory-pager.js';
import { DirectorySecrets } from './directory-secrets.js';

export const testRelease = '2026.9.6';
export const testDeployment = 'testdeploy';

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
};

/** Without a server no gateway has a record. */
export const noRecords: Deps['records'] = {
  lookAtFleet: async () => ({ members: [], leftOut: [] }),
  describe: async () => undefined,
  request: async () => false,
  standing: async () => undefined,
  withdraw: async () => undefined,
};

/** Opens a world in a directory; one of its own, which `close` removes, when none is given. */
export function openTestWorld(root = fs.mkdtempSync(path.join(os.tmpdir(), 'creel-world-'))): TestWorld {
  const engine = new DirectoryEngine(root);
  const image = `creel/openclaw:${testRelease}`;
  engine.addImage(image, {
    id: `sha256:${'1'.repeat(64)}`,
    labels: {
      'creel.release': testRelease,
      'creel.plugins': 'telegram',
      'creel.capabilities': 'startupz,hot-reload-token',
    },
  });
  const deps: Deps = {
    key: masterKey('ab'.repeat(32)),
    catalogue: [{ version: testRelease, image, dev: true }],
    pool: { cidr: '10.213.0.0/16', prefix: 28, firstPort: 19_100 },
    hosts: new DirectoryHost(root),
    engineAt: () => engine,
    door: new DirectoryDoor(root),
    secrets: new DirectorySecrets(root),
    pager: new DirectoryPager(root),
    audit: new DirectoryAudit(root),
    signal: () => undefined,
    findOpenOperations: async () => [],
    records: noRecords,
  };
  return {
    root,
    engine,
    deps,
    activities: createActivities(deps),
    gateway: (id) => ({
      mark: { deployment: testDeployment, gateway: id, birth: birthFrom(randomBytes(6)), layout },
      place: { provider: 'local', host: 'local' },
      spec: testSpec,
      tokenGeneration: 1,
      deviceGeneration: 1,
    }),
    namesOf: (gateway) => names(gateway.mark),
    close: () => fs.rmSync(root, { recursive: true, force: true }),
  };
}
