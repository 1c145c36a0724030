import { existsSync } from 'node:fs';
import { Command } from '@commander-js/extra-typings';
import { connect } from '../client/connect.js';
import { findDeployment, startDeployment } from '../client/hold-deployment.js';
import { keyFiles } from '../config.js';
import { Refused } from '../domain/errors.js';
import { createKey, openKey } from '../key-file.js';

/** `creel init`: the master key, where there is none, and the namespace's deployment. Running it again changes nothing. */
export function initCommand() {
  return new Command('init')
    .description("make the master key and mint the namespace's deployment; run it once, as the worker's user on its machine")
    .option('--address <host:port>', 'where Temporal is')
    .option('--namespace <name>', 'the namespace that is to belong to this key')
    .addHelpText('after', '\nExamples:\n  creel init\n  CREEL_KEY_FILE=/etc/creel/master.key creel init --namespace gateways')
    .action(async (flags) => {
      const { keyFile } = keyFiles(process.env);
      const { client, target, close } = await connect(flags);
      try {
        await refuseNewKeyForOldDeployment(keyFile, client);
        const made = createKey(keyFile);
        const { deployment, keyId } = await startDeployment(client, openKey(keyFile));
        process.stdout.write(
          (made
            ? `Made the master key ${keyFile}: every gateway's token is derived from it, and losing it loses every token. Back it up now.\n`
            : `The master key ${keyFile} was there already and stays as it is.\n`) +
            `Namespace ${target.namespace} at ${target.address} belongs to deployment ${deployment} of key ${keyId}.\n`,
        );
      } finally {
        await close();
      }
    });
}

/** A fresh key would open nothing of what the namespace holds already. */
async function refuseNewKeyForOldDeployment(keyFile: string, client: Parameters<typeof findDeployment>[0]): Promise<void> {
  const found = await findDeployment(client);
  if (!found || existsSync(keyFile)) return;
  const { deployment, keyId } = found.deployment;
  throw new Refused(
    `namespace ${client.options.namespace} belongs to deployment ${deployment} of the master key ${keyId}, and there is no key at ${keyFile}. Bring that key here (or name its place with CREEL_KEY_FILE): a new one would open nothing`,
  );
}
