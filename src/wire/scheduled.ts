import type { FleetPlan } from '../domain/fleet/fleet.js';
import type { Limits } from './limits.js';

/** What a scheduled run is started with; the same for every run of a schedule. */
export type ScheduledInput = { readonly layout: 1; readonly limits: Limits };

/** What a scheduled rotation of the fleet is started with. */
export type ScheduledRotation = ScheduledInput & { readonly plan: FleetPlan };
