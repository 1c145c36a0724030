import { defineUpdate } from '@temporalio/workflow';
import type { RenamedEngine } from '../domain/hosts/deployment-engines.js';
import type { Limits } from './limits.js';

/** An engine that a worker serves, and the machine that the worker names itself. */
export type ServedEngine = { readonly engine: string; readonly host: string };

/** Tells the deployment that an engine, known by a former id, has another one now. Repeating it changes nothing. */
export const engineRenamedUpdate = defineUpdate<void, [RenamedEngine]>('engineRenamed');

/** What the proof of a new id is started with. */
export type RenameInput = RenamedEngine & { readonly layout: 1; readonly deployment: string; readonly limits: Limits };

/** Tells the deployment that a worker serves an engine. Repeating it changes nothing. */
export const engineUpdate = defineUpdate<void, [ServedEngine]>('engine');
