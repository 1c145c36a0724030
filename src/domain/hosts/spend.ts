import { counted } from '../amounts.js';
import { usdText, type Held } from './held.js';

/** How much a deployment's machines may be; as much as anybody asks for where nothing is said. */
export type SpendCeiling = {
  /** How many there may be, in all regions. */
  readonly machines?: number;
  /** What all that is bought for them may cost in a month, in USD. */
  readonly monthlyUsd?: number;
};

/** What is bought at one provider for a deployment, in all regions. */
export type Spend = { readonly machines: number; readonly monthlyUsd: number };

/** What the deployment's things among these come to; what is being deleted costs no more. */
export function spendOf(held: readonly Held[], deployment: string): Spend {
  const ours = held.filter((each) => each.deployment === deployment && each.state !== 'ending');
  return {
    machines: ours.filter(({ kind }) => kind === 'machine').length,
    monthlyUsd: ours.reduce((sum, { monthlyUsd = 0 }) => sum + monthlyUsd, 0),
  };
}

/** What a ceiling says, as people read it: `10 machines, 200 USD a month`. */
export function ceilingText({ machines, monthlyUsd }: SpendCeiling): string {
  const said = [
    ...(machines === undefined ? [] : [counted(machines, 'machine')]),
    ...(monthlyUsd === undefined ? [] : [`${usdText(monthlyUsd)} a month`]),
  ];
  return said.join(', ');
}

/** Why one more machine of this price must not be bought; undefined where it may. */
export function whyAboveCeiling(
  gateway: string,
  { machines: most, monthlyUsd: mostUsd }: SpendCeiling,
  { machines, monthlyUsd }: Spend,
  priceUsd: number,
): string | undefined {
  const cure =
    'Remove some, or raise it ([ceiling] in lightsail.toml, on every worker); see docs/runbook.md#spending-ceiling-reached';
  if (most !== undefined && machines >= most)
    return `${gateway} would be above the ceiling: there may be ${counted(most, 'machine')} at lightsail, and there are ${machines}. ${cure}`;
  if (mostUsd === undefined || monthlyUsd + priceUsd <= mostUsd) return undefined;
  return `${gateway} would be above the ceiling: machines at lightsail may cost ${usdText(mostUsd)} a month, they cost ${usdText(monthlyUsd)}, and this one would cost ${usdText(priceUsd)} more. ${cure}`;
}
