import { whereText } from '../hosts/region.js';
import { sweepFloor, sweepShare } from '../thresholds.js';

/** How much there is on each engine: lives of gateways, whoever they belong to. */
export type Inventory = Readonly<Record<string, number>>;

/**
 * Why a sweep must stop before it touches anything; undefined when it may go on. `mayGo` is how many a person has said
 * may go, who has seen the plan; such a word also accepts a smaller inventory.
 */
export function whyHalt(
  plan: { readonly goes: number; readonly sees: number; readonly now: Inventory; readonly before: Inventory },
  mayGo?: number,
): string | undefined {
  const { goes, sees, now, before } = plan;
  const most = mayGo ?? Math.max(sweepFloor, Math.floor(sees * sweepShare));
  if (goes > most) return `it would remove or stop ${goes} of ${sees} things, and may ${most}`;
  if (mayGo !== undefined) return undefined;
  for (const [engine, lives] of Object.entries(before)) {
    const missing = lives - (now[engine] ?? 0);
    if (engine in now && missing > Math.max(sweepFloor, Math.floor(lives * sweepShare)))
      return `${whereText(engine)} carries ${now[engine]} lives of gateways and carried ${lives} when the last sweep ended`;
  }
  return undefined;
}
