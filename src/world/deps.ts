import type { DeploymentKeys } from '../domain/keys/deployment-keys.js';
import type { RenamedEngine } from '../domain/hosts/deployment-engines.js';
import type { Fleet, Seen } from '../domain/fleet/fleet.js';
import type { OnMachine } from '../domain/hosts/region.js';
import type { KnownEngine } from '../domain/hosts/whereabouts.js';
import type { ExportedGateway, ExportLine } from '../domain/recovery/exported.js';
import type { Catalogue } from '../domain/release/release.js';
import type { RotateRequest } from '../wire/change-requests.js';
import type { Description, Standing } from '../wire/description.js';
import type { Owner } from '../domain/sweep/owner.js';
import type { ReconcileMemory } from '../wire/reconcile.js';
import type { SweepMemory } from '../wire/sweep.js';
import type { FenceWord } from '../domain/hosts/fence-trial.js';
import type { Placing } from '../domain/hosts/ledger.js';
import type { Placed } from '../wire/ledger.js';
import type { ProvisionRequest, Withdrawal } from '../wire/requests.js';
import type { World } from './world.js';

/** What the activities are built over. */
export type Deps = World & {
  /** The cancellation of the activity that is running, if any. */
  readonly signal: () => AbortSignal | undefined;
  /** Ids of the workflows still open under a prefix. */
  readonly findOpenOperations: (prefix: string) => Promise<string[]>;
  readonly records: GatewayRecords;
  /** Every engine that a worker of this deployment has ever served, and whether one serves it now. */
  readonly findEngines: () => Promise<KnownEngine[]>;
  /** The gateways that stand on an engine, as visibility has them, which may be some seconds late. */
  readonly gatewaysOn: (engine: string) => Promise<readonly string[]>;
  /** The time by Temporal's clock, which stamps whatever a workflow calls now: neither our clock nor a gateway's. */
  readonly temporalNow: () => Promise<number>;
};

/**
 * The records of all gateways, asked through Temporal. A gateway without an open record answers undefined; a gateway's
 * no is `Refused`, its silence `NotYet`.
 */
export type GatewayRecords = {
  /** The master keys of the deployment; undefined where there is none, which only a test has. */
  readonly keys: () => Promise<DeploymentKeys | undefined>;
  /** The releases on the deployment's record now; none where there is no record of them. */
  readonly releases: () => Promise<Catalogue>;
  /** Every gateway, as each reports, in the order of a run of this name: a run to another key, if one is given. */
  readonly lookAtFleet: (run: string, toKey?: string) => Promise<Fleet>;
  /** The ids of all gateways that may have a record, in no order. */
  readonly gateways: () => AsyncIterable<string>;
  /**
   * What each of the given gateways says of itself; one that does not answer is `silent`. `NotYet` when none of them
   * answers.
   */
  readonly see: (gateways: readonly string[]) => Promise<Map<string, Seen>>;
  /** The ids of all gateways that stand on an engine, removed ones too, as visibility lists them. */
  readonly standingOn: (engine: string) => AsyncIterable<string>;
  /** The gateways that stand on machines of their own, removed ones too, as visibility lists them. */
  readonly onMachines: () => AsyncIterable<OnMachine>;
  /** Tells the deployment that an engine known to records by one id has another one now. */
  readonly renameEngine: (renamed: RenamedEngine) => Promise<void>;
  readonly describe: (gateway: string) => Promise<Description | undefined>;
  /** The records of all gateways, line by line, as an export has them. */
  readonly lines: (now: Date) => AsyncIterable<ExportLine>;
  /** The same of every gateway that lives or whose state is kept, as far as its record answers. */
  readonly exported: () => AsyncIterable<ExportedGateway>;
  /** Whether an operator keeps new gateways off an engine, by the ledger; false where there is none. */
  readonly isCordoned: (engine: string) => Promise<boolean>;
  /** What the record of a gateway says of what carries its mark, also one that has ended. */
  readonly owner: (gateway: string) => Promise<Owner>;
  /** What the last sweep that was no dry run handed on; undefined where there is none. */
  readonly lastSweep: () => Promise<SweepMemory | undefined>;
  /** The same of the last reconciliation. */
  readonly lastReconcile: () => Promise<ReconcileMemory | undefined>;
  /** Asks the ledger, which begins on this task queue where there is none, for a place; the same id asks once. */
  readonly place: (id: string, placing: Placing, taskQueue: string) => Promise<Placed>;
  /** How many gateways all Docker hosts have together, by the ledger; undefined where there is none. */
  readonly onHosts: () => Promise<number | undefined>;
  /** Tells the ledger, where there is one, how the fence of an engine was found. */
  readonly tellFence: (engine: string, fence: FenceWord) => Promise<void>;
  /** Asks a gateway that has a record; never begins one. False when it has none. */
  readonly request: (gateway: string, asked: RotateRequest | ProvisionRequest) => Promise<boolean>;
  readonly standing: (gateway: string, requestId: string) => Promise<Standing | undefined>;
  readonly withdraw: (gateway: string, asked: Withdrawal) => Promise<Standing | undefined>;
};
