import { prepareNamespace } from '../../../client/deployment/namespace.js';
import { verb, withTemporal } from '../../verb.js';

/** `creel namespace`: has the server hold a namespace as creel wants it. */
export function namespaceCommand() {
  const what = 'make the namespace where there is none, and have it keep closed runs for 30 days; twice is once';
  return verb('namespace', what, [
    'creel namespace --namespace gateways',
    'creel namespace --address 10.0.0.5:7233',
  ]).action(async (options) => {
    await withTemporal(options, async (client, { address }) => {
      const { namespace, made, keptDays } = await prepareNamespace(client);
      process.stdout.write(
        options.json
          ? `${JSON.stringify({ namespace, made, keptDays })}\n`
          : `Namespace ${namespace} at ${address} ${made ? 'was made' : 'is there'}; it keeps closed runs for ${keptDays} days.\n`,
      );
    });
  });
}
