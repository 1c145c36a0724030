import { defineUpdate } from '@temporalio/workflow';
import type { Catalogue, Release } from '../domain/release/release.js';

/** A change of the releases on a deployment's record. */
export type ReleaseOrder =
  | { readonly word: 'add'; readonly line: Release }
  | { readonly word: 'remove'; readonly version: string };

/** Tells the deployment of a release that there is, or no longer; answers all of them as they are then. Repeating it changes nothing. */
export const releaseUpdate = defineUpdate<Catalogue, [ReleaseOrder]>('release');
