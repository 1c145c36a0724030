import type { WorkflowService } from '@temporalio/client';
import { counted } from '../../domain/amounts.js';
import { defaultLimits } from '../../wire/limits.js';

const dayMs = 24 * 3_600_000;

/** For how many days a namespace keeps closed runs, and gateways remember requests. */
export type Retention = { readonly keptDays: number; readonly rememberedDays: number };

/** Reads it from the server. */
export async function readRetention(workflowService: WorkflowService, namespace: string): Promise<Retention> {
  const { config } = await workflowService.describeNamespace({ namespace });
  const keptMs = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) * 1_000;
  return { keptDays: keptMs / dayMs, rememberedDays: defaultLimits.forgetAfterMs / dayMs };
}

/** Why a namespace keeps closed runs too briefly (S3-25); undefined when it does not. */
export function tooBrief({ keptDays, rememberedDays }: Retention, namespace: string): string | undefined {
  if (keptDays >= rememberedDays) return undefined;
  return `namespace ${namespace} keeps closed runs for ${counted(keptDays, 'day')}, gateways remember requests for ${rememberedDays}: what an operation did cannot be looked up after ${keptDays}`;
}

/** The command that has a namespace keep them longer, wherever it is given. */
export function keepLonger(namespace: string, address: string): string {
  return `creel namespace --address ${address} --namespace ${namespace}`;
}
