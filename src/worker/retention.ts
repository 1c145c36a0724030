import type { NativeConnection } from '@temporalio/worker';
import type { Logger } from 'pino';
import { keepLonger, readRetention, tooBrief } from '../client/deployment/retention.js';

/**
 * Warns at the start when a namespace keeps closed runs for less time than gateways remember requests (S3-25): nothing
 * breaks, but why an old operation ended as it did can no longer be looked up.
 */
export async function warnOfRetention(
  connection: NativeConnection,
  { namespace, address }: { readonly namespace: string; readonly address: string },
  log: Logger,
): Promise<void> {
  const retention = await readRetention(connection.workflowService, namespace);
  const brief = tooBrief(retention, namespace);
  if (brief === undefined) return;
  log.warn({ namespace, ...retention }, `${brief}. Let it keep them longer: ${keepLonger(namespace, address)}`);
}
