import { existsSync } from 'node:fs';
import type { Client } from '@temporalio/client';
import { findDeployment, startDeployment } from '../../../client/deployment/hold-deployment.js';
import type { Flags } from '../../../client/connect.js';
import { currentKey } from '../../../domain/keys/deployment-keys.js';
import type { ExportHead } from '../../../domain/recovery/exported.js';
import { readExport } from '../../../settings/export-file.js';
import { keyFiles } from '../../../settings/config.js';
import { Refused } from '../../../domain/errors.js';
import { createKey, openKeys } from '../../../settings/key-file.js';
import { verb, withTemporal } from '../../verb.js';

/**
 * `creel init`: makes the master key, where there is none, and the namespace's deployment. Running it again changes
 * nothing.
 */
export function initCommand() {
  const what = "make the master key and mint the namespace's deployment: once, as the worker's user on its machine";
  return verb('init', what, [
    'creel init',
    'CREEL_KEY_FILE=/etc/creel/master.key creel init --namespace gateways',
    'creel init --from creel.jsonl       in an empty namespace: the deployment of that export, under its own key',
  ])
    .option(
      '--from <file>',
      'take the deployment of an export over: engines refuse the workers of its old namespace from then on',
    )
    .action(initialise);
}

type Options = Flags & { readonly json?: true; readonly from?: string };

async function initialise(options: Options): Promise<void> {
  const { keyFile } = keyFiles(process.env);
  const from = options.from === undefined ? undefined : readExport(options.from).head;
  await withTemporal(options, async (client, { namespace, address }) => {
    await refuseNewKeyForOldDeployment(keyFile, client);
    if (from) demandOldKey(keyFile, from);
    const made = createKey(keyFile);
    const { deployment, keyId } = await startDeployment(client, openKeys(keyFile), from);
    if (options.json) {
      process.stdout.write(`${JSON.stringify({ keyFile, made, keyId, namespace, deployment })}\n`);
      return;
    }
    const key = made
      ? `Made the master key ${keyFile}: every gateway's token is derived from it, and losing it loses every token. Back it up now: creel key backup DIR.`
      : `The master key ${keyFile} was there already and stays as it is.`;
    process.stdout.write(
      `${key}\nNamespace ${namespace} at ${address} belongs to deployment ${deployment} of key ${keyId}.\n`,
    );
  });
}

/** Every token of an export is derived from its keys: none is made in their place. */
function demandOldKey(keyFile: string, { deployment, keys }: ExportHead): void {
  if (existsSync(keyFile)) return;
  throw new Refused(
    `deployment ${deployment} has the master key ${currentKey(keys).id}, and there is no key at ${keyFile}. Put its backup there (docs/runbook.md#other-key), then ask again`,
  );
}

/** Refuses to make a key beside an existing deployment: a new key would open nothing that the namespace holds. */
async function refuseNewKeyForOldDeployment(keyFile: string, client: Client): Promise<void> {
  const found = await findDeployment(client);
  if (!found || existsSync(keyFile)) return;
  const { deployment, keyId } = found.deployment;
  throw new Refused(
    `namespace ${client.options.namespace} belongs to deployment ${deployment} of the master key ${keyId}, and there is no key at ${keyFile}. Bring that key here (or name its place with CREEL_KEY_FILE): a new one would open nothing`,
  );
}
