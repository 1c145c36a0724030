import type { ApplyEnd } from '../../../client/apply/carry-on.js';
import type { SecretPlan, TakingUp } from '../../../client/deployment/secret-rotation.js';
import type { SecretUse } from '../../../client/deployment/secret-users.js';
import { sayings, silenceOf } from './change-plan.js';

/** The gateways that would refuse another value at once, each with the reason, and how to leave them out. */
export function refusedLines(name: string, { takers }: SecretPlan): string[] {
  const refusing = takers.filter(({ refused }) => refused.length > 0);
  if (refusing.length === 0) return [];
  const ids = refusing.map(({ gateway }) => gateway).join(',');
  return [
    ...refusing.map(({ gateway, refused }) => `  ${gateway}: ${refused.join('; ')}`),
    `\`creel secret rotate ${name} --without ${ids}\` leaves them alone; see docs/runbook.md#leaked-secret`,
  ];
}

/** What a rotation of a secret would do, as people read it. */
export function secretPlanLines(name: string, plan: SecretPlan): string[] {
  const count = plan.takers.filter(({ looked }) => looked.found.is !== 'suspended').length;
  return [
    ...plan.takers.flatMap(takerLines),
    ...plan.others.map(otherLine),
    `${count === 0 ? 'no gateway takes' : count === 1 ? '1 gateway takes' : `${count} gateways take`} another ${name} up; nothing was stored or touched`,
  ];
}

/** The same for scripts. */
export function secretPlanJson(name: string, { takers, others }: SecretPlan) {
  return {
    secret: name,
    gateways: takers.map(({ gateway, looked: { found }, ways, refused }) => ({
      gateway,
      ways,
      silence: silenceOf(ways),
      refused,
      ...(found.is === 'suspended' && { skipped: found.why }),
    })),
    others: others.map(({ gateway, by, until }) => ({ gateway, by, ...(until !== undefined && { until }) })),
  };
}

function takerLines({ gateway, looked: { found }, ways, refused }: TakingUp): string[] {
  if (refused.length > 0) return refused.map((each) => `${gateway}: REFUSED: ${each}`);
  if (found.is === 'suspended') return [`${gateway}: skipped: ${found.why}, and takes it up then`];
  const busy =
    found.is === 'alive' && found.busy ? [`operation ${found.busy.operation} (${found.busy.kind}) is waited for`] : [];
  const how = ways.length === 0 ? ['then it is looked at again'] : ways.map((way) => sayings[way]);
  return [`${gateway}: change`, `  ${[...busy, ...how].join('; ')}`, `  silent for ${silenceOf(ways)}`];
}

function otherLine({ gateway, by, until }: SecretUse): string {
  if (by === 'kept state') return `${gateway}: removed; \`creel provision ${gateway} --restore\` takes it up`;
  return `${gateway}: the release that \`creel rollback ${gateway}\` goes back to names it, until ${until}`;
}

/** What somebody reads before the gateways are asked. */
export function storedAnewLine(name: string, isOther: boolean, { takers }: SecretPlan): string {
  const said = isOther ? `Stored ${name}.` : `${name} is stored already, with that value.`;
  return takers.length === 0 ? `${said} No gateway that runs names it.` : said;
}

/** What is to be known when all have ended: of those that did not take it up, and of who uses it otherwise. */
export function whatNowLines(name: string, ends: readonly ApplyEnd[], { others }: SecretPlan): string[] {
  const isWell = ends.every(({ end }) => end === 'done' || end === 'left alone' || end === 'skipped');
  const skipped = ends.filter(({ end }) => end === 'skipped').map(({ gateway }) => gateway);
  return [...skipped.map((id) => resumeLine(name, id)), ...(isWell ? [] : notTakenUp(name)), ...others.map(otherLine)];
}

function resumeLine(name: string, gateway: string): string {
  return `${gateway}: \`creel resume ${gateway}\` takes the stored ${name} up`;
}

function notTakenUp(name: string): string[] {
  return [
    `The former ${name} is stored no more. A model's key that failed is taken back, and the one that was in force stays, over repairs and upgrades too, until another is taken up.`,
    `Another try with the same value: \`creel secret rotate ${name} --stored\`; with a right one: \`creel secret rotate ${name}\`. See docs/runbook.md#leaked-secret`,
  ];
}
