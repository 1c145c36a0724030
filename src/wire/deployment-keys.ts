import { defineUpdate } from '@temporalio/workflow';
import type { DeploymentKeys } from '../domain/keys/deployment-keys.js';

/**
 * A change of a deployment's keys: a next one is announced, a run over the fleet to it begins, or it becomes the
 * current one.
 */
export type KeyOrder =
  | { readonly word: 'announce'; readonly id: string; readonly check: string }
  | { readonly word: 'run'; readonly id: string; readonly number: number }
  | { readonly word: 'promote'; readonly id: string };

/** Tells the deployment of a change of its keys, and answers them as they are then. Repeating it changes nothing. */
export const keyUpdate = defineUpdate<DeploymentKeys, [KeyOrder]>('key');
