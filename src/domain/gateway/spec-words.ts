import { durationText, sizeText } from '../amounts.js';
import { writtenKey, type Channel } from '../channels/channel.js';
import { keepFormerMs } from '../thresholds.js';
import { canonical, type GatewaySpec } from './spec.js';

type Field = keyof GatewaySpec;

/** How each field is called where people write it, and what `creel change` takes it as; a release has a verb of its own. */
const words: { readonly [F in Field]-?: { readonly name: string; readonly flag?: string } } = {
  release: { name: 'release' },
  dev: { name: 'dev' },
  memoryMb: { name: 'memory', flag: '--memory' },
  cpus: { name: 'cpus', flag: '--cpus' },
  keepStateMs: { name: 'keep_state', flag: '--keep-state' },
  keepFormerMs: { name: 'keep_former', flag: '--keep-former' },
  parkMs: { name: 'park_for', flag: '--park-for' },
  rotation: { name: 'rotation', flag: '--rotation' },
  channels: { name: 'channels', flag: '--channels' },
};

const fields: readonly Field[] = Object.keys(words).filter((key): key is Field => key in words);

/** Senders of a channel that are written out; of more their number is. */
const sendersShown = 5;

/** The fields in which two specs ask for different gateways; one that is absent stands for its default. */
export function differing(has: GatewaySpec, asked: GatewaySpec): Field[] {
  const [one, other] = [whole(has), whole(asked)];
  return fields.filter((field) => canonical(one[field]) !== canonical(other[field]));
}

/** In what two specs differ, as people write it: `memory: has "2 GB", asked "4 GB"`. */
export function differences(has: GatewaySpec, asked: GatewaySpec): string {
  return differing(has, asked)
    .map((field) => `${words[field].name}: has ${written(has, field)}, asked ${written(asked, field)}`)
    .join('; ');
}

/** The commands that make a gateway what is asked for, each as it is typed. */
export function waysTo(id: string, has: GatewaySpec, asked: GatewaySpec): string {
  const other = differing(has, asked);
  const flags = other.flatMap((field) => flagOf(asked, field) ?? []);
  const release = other.includes('release') ? [`creel upgrade ${id} --release ${asked.release}${devFlag(asked)}`] : [];
  const change = flags.length > 0 ? [`creel change ${id} ${flags.join(' ')}`] : [];
  const commands = [...release, ...change].map((command) => `\`${command}\``).join(', then ');
  if (commands !== '') return `To make it so: ${commands}`;
  return `dev changes with its release alone: leave it as it is`;
}

function whole(spec: GatewaySpec) {
  return { ...spec, keepFormerMs: spec.keepFormerMs ?? keepFormerMs, rotation: spec.rotation ?? 'manual' };
}

/** The value of a field as `gateway.toml` has it. */
function written(spec: GatewaySpec, field: Field): string {
  const { release, dev, memoryMb, cpus, keepStateMs, keepFormerMs: formerMs, parkMs, rotation } = whole(spec);
  const text = {
    release: () => quoted(release),
    dev: () => String(dev),
    memoryMb: () => quoted(sizeText(memoryMb)),
    cpus: () => String(cpus),
    keepStateMs: () => quoted(durationText(keepStateMs)),
    keepFormerMs: () => quoted(durationText(formerMs)),
    parkMs: () => quoted(durationText(parkMs)),
    rotation: () => quoted(rotation),
    channels: () => spec.channels.map(channelText).join(' and ') || 'none',
  };
  return text[field]();
}

function channelText({ kind, secrets, allowFrom }: Channel): string {
  const tokens = Object.entries(secrets).map(([key, reference]) => `${writtenKey(key)} = ${quoted(reference)}`);
  const shown = allowFrom.slice(0, sendersShown).map(quoted);
  const more = allowFrom.length > shown.length ? [`${allowFrom.length - shown.length} more`] : [];
  return `${kind} (${[...tokens, `allow_from = [${[...shown, ...more].join(', ')}]`].join(', ')})`;
}

function flagOf(asked: GatewaySpec, field: Field): string | undefined {
  const { flag } = words[field];
  if (flag === undefined) return undefined;
  return `${flag} ${field === 'channels' ? 'gateway.toml' : written(asked, field)}`;
}

function devFlag({ dev }: GatewaySpec): string {
  return dev ? ' --dev' : '';
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
