import type { NativeConnection } from '@temporalio/worker';
import type { Logger } from 'pino';
import { defaultLimits } from '../wire/limits.js';

const dayMs = 24 * 3_600_000;

/**
 * Says at the start when a namespace keeps closed runs for a shorter time than gateways remember requests (S3-25): nothing breaks,
 * but why an old operation ended as it did cannot be looked up any more.
 */
export async function warnOfRetention(connection: NativeConnection, namespace: string, log: Logger): Promise<void> {
  const { config } = await connection.workflowService.describeNamespace({ namespace });
  const keptMs = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) * 1_000;
  const rememberedMs = defaultLimits.forgetAfterMs;
  if (keptMs >= rememberedMs) return;
  const [kept, remembered] = [keptMs / dayMs, rememberedMs / dayMs];
  log.warn(
    { namespace, keptDays: kept, rememberedDays: remembered },
    `namespace ${namespace} keeps closed runs for ${kept} days, gateways remember requests for ${remembered}: what an operation did cannot be looked up after ${kept}. Let it keep them longer: temporal operator namespace update -n ${namespace} --retention 720h`,
  );
}
