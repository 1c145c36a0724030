import type { Place } from '../domain/hosts/place.js';
import type { KeyRing } from '../domain/keys/key-ring.js';
import type { Epoch } from '../domain/recovery/epoch.js';
import type { Catalogue } from '../domain/release/release.js';
import type { FleetKey } from '../domain/hosts/fleet-key.js';
import type { SpendCeiling } from '../domain/hosts/spend.js';
import type { Egress } from '../domain/hosts/egress.js';
import type { Exception } from '../domain/hosts/fence.js';
import type { Pool } from '../domain/hosts/slot.js';
import type { AuditLog } from '../ports/audit-log.js';
import type { DockerEngine } from '../ports/docker-engine.js';
import type { Exports } from '../ports/exports.js';
import type { GatewayDoor } from '../ports/gateway-door.js';
import type { Heartbeat } from '../ports/heartbeat.js';
import type { HostProvider } from '../ports/host-provider.js';
import type { MachineProvider } from '../ports/machine-provider.js';
import type { Pager } from '../ports/pager.js';
import type { SecretStore } from '../ports/secret-store.js';
import type { FenceBook } from './fence-book.js';

/** What a worker is. */
type About = {
  /** Its version of creel. */
  readonly creel: string;
  /** The deployment that it works for. */
  readonly deployment: string;
  /** Whether its pager reaches a person; without one, pages go to its log. */
  readonly pager: boolean;
};

/** When the keys and secrets of this machine were last backed up, which keys were, and whether a secret has changed since. */
type Backup = { readonly at: number; readonly keyIds: readonly string[]; readonly secretsChanged: boolean };

/** Who sells machines, and how the workers get into them. */
export type Machines = {
  readonly provider: MachineProvider;
  /** The key that opens new machines; `Refused` where its file is not as it should be. */
  readonly fleetKey: () => FleetKey;
  /** That, and the one in the other slot where there is one. */
  readonly fleetKeys: () => readonly FleetKey[];
  /** The networks that the workers come from, as IPv4 with a prefix. */
  readonly workers: readonly string[];
  /** How many machines there may be, and what they may cost; no limit when absent. */
  readonly ceiling?: SpendCeiling | undefined;
  /** How long a machine may take until it is prepared. */
  readonly bootMs: number;
  /** How often it is asked meanwhile, at first. */
  readonly paceMs: number;
};

/** Everything an activity may touch. */
export type World = {
  /** Which taking-over of the deployment this worker belongs to. */
  readonly epoch: Epoch;
  readonly keys: KeyRing;
  /** The releases of the worker's own file, which are not all: `catalogueOf`. */
  readonly catalogue: Catalogue;
  readonly pool: Pool;
  /** How the gateways of its engine get out. */
  readonly egress: Egress;
  /** What gateways may reach although it is private. */
  readonly allowed: readonly Exception[];
  /** Whether the settings of the worker, which is root, have it put the rules of the fence up on its own machine. */
  readonly putsFence: boolean;
  /** What is known here of the fences around the gateways of each engine. */
  readonly fences: FenceBook;
  readonly hosts: HostProvider;
  /** How many gateways all Docker hosts together may have; as many as there is room for when absent. */
  readonly ceiling?: number | undefined;
  /** Undefined where the worker's settings name none. */
  readonly machines: Machines | undefined;
  /** The engine of a place. Before anything is read or done, another engine under the same address is `Foreign`. */
  readonly engineAt: (place: Place) => DockerEngine;
  readonly door: GatewayDoor;
  readonly secrets: SecretStore;
  readonly pager: Pager;
  readonly audit: AuditLog;
  /** Undefined where the settings name no URL to call. */
  readonly heartbeat: Heartbeat | undefined;
  /** Undefined in a world that has no settings: a trial's. */
  readonly exports: Exports | undefined;
  /** S3-20: no wait for a start ends before this, whatever its limit. */
  readonly startPeriodMs: number;
  readonly about: About;
  /** What is noted of the last backup; undefined when nothing is. */
  readonly readBackup: () => Backup | undefined;
  /** Lets go of what would keep the process alive; nothing when absent. */
  readonly close?: () => void;
};
