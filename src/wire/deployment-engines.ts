import { defineUpdate } from '@temporalio/workflow';
import type { RenamedEngine } from '../domain/hosts/deployment-engines.js';
import type { Limits } from './limits.js';

/** An engine that a worker serves, and the machine that the worker names itself. */
export type ServedEngine = { readonly engine: string; readonly host: string };

/** Tells the deployment that an engine, which is on record under a former id, has another one now; the same word twice is one. */
export const engineRenamedUpdate = defineUpdate<void, [RenamedEngine]>('engineRenamed');

/** What the proof of a new id is started with. */
export type RenameInput = RenamedEngine & { readonly layout: 1; readonly deployment: string; readonly limits: Limits };

/** Tells the deployment that a worker serves an engine; the same word twice is one. */
export const engineUpdate = defineUpdate<void, [ServedEngine]>('engine');
