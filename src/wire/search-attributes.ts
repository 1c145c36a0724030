import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** What people list and filter gateways and operations by. Six of the ten keywords that SQL visibility has. */
export const gatewayIdKey = defineSearchAttributeKey('GatewayId', SearchAttributeType.KEYWORD);
export const gatewayBirthKey = defineSearchAttributeKey('GatewayBirth', SearchAttributeType.KEYWORD);
export const gatewayPhaseKey = defineSearchAttributeKey('GatewayPhase', SearchAttributeType.KEYWORD);
export const gatewayReleaseKey = defineSearchAttributeKey('GatewayRelease', SearchAttributeType.KEYWORD);
export const gatewayHostKey = defineSearchAttributeKey('GatewayHost', SearchAttributeType.KEYWORD);
export const operationKindKey = defineSearchAttributeKey('OperationKind', SearchAttributeType.KEYWORD);
export const needsAttentionKey = defineSearchAttributeKey('NeedsAttention', SearchAttributeType.BOOL);
/** When the phase last changed. */
export const phaseSinceKey = defineSearchAttributeKey('PhaseSince', SearchAttributeType.DATETIME);

export const searchAttributeKeys = [
  gatewayIdKey,
  gatewayBirthKey,
  gatewayPhaseKey,
  gatewayReleaseKey,
  gatewayHostKey,
  operationKindKey,
  needsAttentionKey,
  phaseSinceKey,
] as const;
