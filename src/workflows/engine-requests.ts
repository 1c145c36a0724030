import { defineUpdate } from '@temporalio/workflow';

/** An engine that a worker serves, and the machine that the worker names itself. */
export type ServedEngine = { readonly engine: string; readonly host: string };

/** Tells the deployment that a worker serves an engine; the same word twice is one. */
export const engineUpdate = defineUpdate<void, [ServedEngine]>('engine');
