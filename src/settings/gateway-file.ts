import { readFileSync } from 'node:fs';
import { Refused } from '../domain/errors.js';
import { gatewayId } from '../domain/gateway/gateway.js';
import { inOrder, type Fault } from './fault.js';
import { notRead } from './not-read.js';
import { draftFaults, readDraft, type Draft } from './spec.js';
import { tierNamed } from './tiers.js';
import { lineOfField } from './toml-line.js';

/** A `gateway.toml` as it was read: whose it says to be, and what it says, with its tier filled in. */
export type GatewayFile = {
  readonly id?: string;
  /** The host on which it begins. */
  readonly host?: string;
  readonly draft: Draft;
  /** The fields that it has and of which the form is wrong; absent when there are none. */
  readonly malformed?: readonly string[];
};

/** The name that stands for the standard input. */
export const stdinName = '-';

/**
 * Reads a `gateway.toml`, or the standard input for `-`; `Refused` with every fault of it, each with its line. `whose`
 * is the gateway that it must be about, where that is known: a file that names another is refused.
 */
export function readGatewayFile(file: string, whose?: string): GatewayFile {
  const { found, faults } = inspectGatewayFile(file, whose);
  if (!found || faults.length > 0) throw new Refused(inOrder(faults).join('\n'));
  return found;
}

/** What a `gateway.toml` says, as far as it is well-formed, and every fault of it; `Refused` when it cannot be read. */
export function inspectGatewayFile(
  file: string,
  whose?: string,
): { readonly found?: GatewayFile; readonly faults: readonly Fault[] } {
  const name = shownName(file);
  const text = readText(file);
  const { written, malformed, faults: ofForm } = readDraft(text, name);
  if (!written) return { faults: ofForm };
  const { id, tier, host, ...said } = written;
  const faults: Fault[] = [...ofForm];
  const held = <T>(field: string, read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      faults.push({ said: `${name}: ${error.message}`, line: lineOfField(text, [field]) });
      return undefined;
    }
  };
  const named = held('id', () => (id === undefined ? undefined : demandId(gatewayId(id), whose)));
  const draft = { ...(tier !== undefined && held('tier', () => tierNamed(tier))), ...said };
  faults.push(...draftFaults(draft, text, name));
  const found = {
    ...(named !== undefined && { id: named }),
    ...(host !== undefined && { host }),
    draft,
    ...(malformed.length > 0 && { malformed }),
  };
  return { found, faults };
}

function demandId(named: string, whose: string | undefined): string {
  if (whose === undefined || named === whose) return named;
  throw new Refused(`it says id = ${JSON.stringify(named)}, and ${whose} was asked for. One of them is wrong`);
}

/** A file as messages call it. */
export function shownName(file: string): string {
  return file === stdinName ? 'standard input' : file;
}

function readText(file: string): string {
  try {
    return readFileSync(file === stdinName ? 0 : file, 'utf8');
  } catch (error) {
    throw notRead(shownName(file), error);
  }
}
