import { tokenForms } from '../channels/channel.js';
import type { Labels } from '../gateway/gateway.js';

/** A prepared image as the engine holds it. */
export type Image = {
  readonly id: string;
  readonly labels: Labels;
};

/** What is known of a release without running it, read from the labels that its recipe baked in. */
export type Prepared = {
  readonly version: string;
  readonly plugins: readonly string[];
  readonly capabilities: readonly string[];
  /** The versions of its database schemas; empty for a release that does not say. */
  readonly schemas: Readonly<Record<string, number>>;
};

/** The prepared facts of an image, or undefined when it was not made by the recipe. */
export function readPrepared(image: Image): Prepared | undefined {
  const version = image.labels['creel.release'];
  if (!version) return undefined;
  return {
    version,
    plugins: list(image.labels['creel.plugins']),
    capabilities: list(image.labels['creel.capabilities']),
    schemas: schemas(image.labels),
  };
}

/** Of the channels that a spec may name, those that an image has the plugin of. */
export function servedChannels(image: Image): string[] {
  return (readPrepared(image)?.plugins ?? []).filter((kind) => Object.hasOwn(tokenForms, kind));
}

function list(label: string | undefined): string[] {
  return (label ?? '').split(',').filter((word) => word !== '');
}

const schemaLabel = 'creel.schema.';

function schemas(labels: Labels): Record<string, number> {
  const named = Object.entries(labels).filter(([name]) => name.startsWith(schemaLabel));
  return Object.fromEntries(named.map(([name, version]) => [name.slice(schemaLabel.length), Number(version)]));
}
