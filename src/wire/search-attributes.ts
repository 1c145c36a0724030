import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** What people list and filter gateways and operations by. Seven of the ten keywords that SQL visibility has, and one of three numbers. */
export const gatewayIdKey = defineSearchAttributeKey('GatewayId', SearchAttributeType.KEYWORD);
export const gatewayBirthKey = defineSearchAttributeKey('GatewayBirth', SearchAttributeType.KEYWORD);
export const gatewayPhaseKey = defineSearchAttributeKey('GatewayPhase', SearchAttributeType.KEYWORD);
export const gatewayReleaseKey = defineSearchAttributeKey('GatewayRelease', SearchAttributeType.KEYWORD);
export const gatewayHostKey = defineSearchAttributeKey('GatewayHost', SearchAttributeType.KEYWORD);
export const operationKindKey = defineSearchAttributeKey('OperationKind', SearchAttributeType.KEYWORD);
export const needsAttentionKey = defineSearchAttributeKey('NeedsAttention', SearchAttributeType.BOOL);
/** When the phase last changed. */
export const phaseSinceKey = defineSearchAttributeKey('PhaseSince', SearchAttributeType.DATETIME);
/** Where the provider has the gateway's machine; no gateway has one on a host that was there before. */
export const gatewayRegionKey = defineSearchAttributeKey('GatewayRegion', SearchAttributeType.KEYWORD);
/** The generation of the gateway token in force when the phase last changed. */
export const tokenGenerationKey = defineSearchAttributeKey('TokenGeneration', SearchAttributeType.INT);

export const searchAttributeKeys = [
  gatewayIdKey,
  gatewayBirthKey,
  gatewayPhaseKey,
  gatewayReleaseKey,
  gatewayHostKey,
  operationKindKey,
  needsAttentionKey,
  phaseSinceKey,
  gatewayRegionKey,
  tokenGenerationKey,
] as const;
