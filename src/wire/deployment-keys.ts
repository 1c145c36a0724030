import { defineUpdate } from '@temporalio/workflow';
import type { DeploymentKeys } from '../domain/keys/deployment-keys.js';

/** What becomes of a deployment's keys: a next one is announced, a run over the fleet to it begins, and it takes the place of the current one. */
export type KeyWord =
  | { readonly word: 'announce'; readonly id: string; readonly check: string }
  | { readonly word: 'run'; readonly id: string; readonly number: number }
  | { readonly word: 'promote'; readonly id: string };

/** Tells the deployment about its keys; answers them as they are then. The same word twice is one. */
export const keyUpdate = defineUpdate<DeploymentKeys, [KeyWord]>('key');
