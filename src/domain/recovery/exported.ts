import type { Suspended } from '../changes/suspension.js';
import type { Gateway } from '../gateway/gateway.js';
import type { DeploymentKeys } from '../keys/deployment-keys.js';
import type { DeploymentEngine } from '../hosts/deployment-engines.js';
import type { Epoch } from './epoch.js';
import type { Catalogue } from '../release/release.js';

/** The form of an export (a format: a newer creel reads what an older one wrote). */
export const exportForm = 1;

/** The first line of an export: whose it is. Nothing in it is secret. */
export type ExportHead = {
  readonly creel: 'export';
  readonly form: typeof exportForm;
  /** When it was begun. */
  readonly at: string;
  readonly deployment: string;
  readonly layout: number;
  /** Absent while the deployment was never taken over. */
  readonly epoch?: Epoch;
  readonly keys: DeploymentKeys;
  readonly engines: readonly DeploymentEngine[];
  readonly releases: Catalogue;
};

/** A gateway's record, as far as it cannot be found out from the world: one line of an export. */
export type ExportedGateway = {
  readonly gateway: string;
  readonly phase: string;
  readonly since: string;
  /** Spec, place, birth, generations and key id; the spec names secrets and holds none. */
  readonly life: Gateway;
  /** The highest generations that were ever meant to be used, where they are above those of `life`. */
  readonly burned?: { readonly token: number; readonly device: number };
  /** The devices that creel approved. */
  readonly approved: readonly string[];
  readonly imageId?: string;
  readonly provedAt?: string;
  /** Of a removed gateway: until when its state is kept. */
  readonly stateKeptUntil?: string;
  /** Since when (epoch ms) and why it is suspended. */
  readonly suspended?: Suspended;
  /** The release that `creel rollback` goes back to. */
  readonly former?: string;
};

/** The last line: a file without it was cut off. */
export type ExportEnd = {
  readonly gateways: number;
  /** Those whose record did not answer, and which are therefore missing above. */
  readonly silent: readonly string[];
};

export type ExportLine = ExportHead | ExportedGateway | { readonly end: ExportEnd };

/** What an export knows of a life whose record is lost, and the world does not tell. */
export type Recovered = {
  /** No generation in force is below this one: what is in force is looked for from here on. */
  readonly tokenGeneration: number;
  /** The generation of creel's own device. */
  readonly deviceGeneration: number;
  readonly burned?: { readonly token: number; readonly device: number };
  readonly approved: readonly string[];
  /** It was removed, and its state is kept until then (epoch ms): where no more than that is there, it stays so. */
  readonly keptUntil?: number;
  /** It was suspended: so it is again once it was found. */
  readonly suspended?: Suspended;
};

/** What of an exported gateway goes into its new record. */
export function recoveredOf({ life, burned, approved, stateKeptUntil, suspended }: ExportedGateway): Recovered {
  const { tokenGeneration, deviceGeneration } = life;
  return {
    tokenGeneration,
    deviceGeneration,
    ...(burned && { burned }),
    approved,
    ...(stateKeptUntil !== undefined && { keptUntil: Date.parse(stateKeptUntil) }),
    ...(suspended && { suspended }),
  };
}
