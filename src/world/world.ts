import type { Place } from '../domain/hosts/place.js';
import type { KeyRing } from '../domain/keys/key-ring.js';
import type { Catalogue } from '../domain/release/release.js';
import type { Pool } from '../domain/hosts/slot.js';
import type { AuditLog } from '../ports/audit-log.js';
import type { DockerEngine } from '../ports/docker-engine.js';
import type { GatewayDoor } from '../ports/gateway-door.js';
import type { HostProvider } from '../ports/host-provider.js';
import type { Pager } from '../ports/pager.js';
import type { SecretStore } from '../ports/secret-store.js';

/** Everything an activity may touch. */
export type World = {
  readonly keys: KeyRing;
  readonly catalogue: Catalogue;
  readonly pool: Pool;
  readonly hosts: HostProvider;
  /** The engine of a place: whatever is asked of it, another one under the same address is `Foreign` before anything is read or done. */
  readonly engineAt: (place: Place) => DockerEngine;
  readonly door: GatewayDoor;
  readonly secrets: SecretStore;
  readonly pager: Pager;
  readonly audit: AuditLog;
  /** S3-20: no wait for a start is over before this, whatever limit it was given. */
  readonly startPeriodMs: number;
};
