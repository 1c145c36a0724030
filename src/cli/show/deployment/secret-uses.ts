import type { SecretUse } from '../../../client/deployment/secret-users.js';

/** How many uses one message names. */
const namedMost = 10;

/** What somebody reads who has stored a secret: what takes it up, by each use that is known. */
export function storedLines(name: string, uses: readonly SecretUse[], silent: number): string[] {
  const ways = uses.flatMap((use) => wayToTakeUp(use) ?? []);
  const rest = ways.length > namedMost ? [`and ${ways.length - namedMost} more: \`creel secret list --users\``] : [];
  const none = [
    `A spec names it "secret:${name}". What uses it already takes it up by \`creel change <id> --models\` or \`--channels\`, which proves it, or by the next repair.`,
  ];
  const running = uses.filter(({ by }) => by === 'channels' || by === 'models');
  const all = running.length > 1 ? [`All that run at once: \`creel secret rotate ${name} --stored\`.`] : [];
  const unasked = silent > 0 ? ['Not every gateway answered: `creel secret list --users` says who names it.'] : [];
  return [
    `Stored ${name}.`,
    ...(ways.length === 0 ? none : [...ways.slice(0, namedMost), ...rest, ...all]),
    ...unasked,
  ];
}

/** The command by which a use takes a new value up; undefined where nothing does, or what runs does by itself. */
function wayToTakeUp({ gateway, by }: SecretUse): string | undefined {
  if (by === 'former release' || by === 'operation') return undefined;
  if (by === 'kept state') return `${gateway} is removed, and \`creel provision ${gateway} --restore\` takes it up.`;
  return `${gateway} names it in its ${by}: \`creel change ${gateway} --${by} gateway.toml\` takes it up and proves it; so does the next repair.`;
}

/** Why a secret is not removed: who names it, and for each what ends that. */
export function stillNamed(name: string, uses: readonly SecretUse[]): string {
  const gateways = [...new Set(uses.map(({ gateway }) => gateway))];
  const rest = gateways.length > namedMost ? ` and ${gateways.length - namedMost} more` : '';
  return [
    `${name} is named by ${gateways.slice(0, namedMost).join(', ')}${rest}: nothing was removed`,
    ...uses.slice(0, namedMost).map((use) => wayToLetGo(use)),
    'See docs/runbook.md#secret-in-use',
  ].join('. ');
}

function wayToLetGo({ gateway, by, until }: SecretUse): string {
  switch (by) {
    case 'kept state':
      return `${gateway} is removed, and its state is kept until ${until}: \`creel remove ${gateway} --purge\` lets it go`;
    case 'former release':
      return `The release that \`creel rollback ${gateway}\` goes back to names it: it is let go at ${until}`;
    case 'operation':
      return `What runs or waits for ${gateway} will use it: ask again when \`creel describe ${gateway}\` shows that it has ended`;
    case 'channels':
    case 'models':
      return `\`creel change ${gateway} --${by}\` with a file that does not name it takes it out`;
  }
}
