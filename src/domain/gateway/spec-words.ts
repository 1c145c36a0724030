import { durationText, sizeText } from '../amounts.js';
import { writtenKey, type Channel } from '../channels/channel.js';
import { environmentText } from '../environment/environment.js';
import { extrasText } from '../extras/words.js';
import { machineText } from '../hosts/machine-wish.js';
import { modelsText } from '../models/models.js';
import { keepFormerMs } from '../thresholds.js';
import { canonical, type GatewaySpec, type SpecChange } from './spec.js';

/** A field of a spec. */
export type Field = keyof GatewaySpec;

/** The name of each field where people write it, and the flag that changes it; a release has a verb of its own. */
const words: { readonly [F in Field]-?: { readonly name: string; readonly flag?: string } } = {
  release: { name: 'release' },
  dev: { name: 'dev' },
  memoryMb: { name: 'memory', flag: '--memory' },
  cpus: { name: 'cpus', flag: '--cpus' },
  diskMb: { name: 'disk', flag: '--disk' },
  keepStateMs: { name: 'keep_state', flag: '--keep-state' },
  keepFormerMs: { name: 'keep_former', flag: '--keep-former' },
  parkMs: { name: 'park_for', flag: '--park-for' },
  rotation: { name: 'rotation', flag: '--rotation' },
  repair: { name: 'repair', flag: '--repair' },
  fence: { name: 'fence', flag: '--fence' },
  channels: { name: 'channels', flag: '--channels' },
  models: { name: 'models', flag: '--models' },
  config: { name: 'config', flag: '--config' },
  timezone: { name: 'timezone', flag: '--timezone' },
  environment: { name: 'environment', flag: '--environment' },
  machine: { name: 'machine' },
};

const fields: readonly Field[] = Object.keys(words).filter((key): key is Field => key in words);

/** How many senders of a channel are written out; beyond that, only their number. */
const sendersShown = 5;

/** The fields in which two specs ask for different gateways; a missing field means its default. */
export function differing(has: GatewaySpec, asked: GatewaySpec): Field[] {
  const [one, other] = [whole(has), whole(asked)];
  return fields.filter((field) => canonical(one[field]) !== canonical(other[field]));
}

/** How two specs differ, as people write it: `memory: has "2 GB", asked "4 GB"`. */
export function differences(has: GatewaySpec, asked: GatewaySpec): string {
  return differing(has, asked)
    .map((field) => `${words[field].name}: has ${written(has, field)}, asked ${written(asked, field)}`)
    .join('; ');
}

/** One setting in which two gateways differ, each value as `gateway.toml` has it. */
export type Difference = { readonly setting: string; readonly has: string; readonly asked: string };

/** The settings in which two specs differ, in full. */
export function settingsThatDiffer(has: GatewaySpec, asked: GatewaySpec): Difference[] {
  return differing(has, asked).map((field) => {
    const [before, after] = [written(has, field, Infinity), written(asked, field, Infinity)];
    const unseen = before === after ? ', and differs in the names that are only counted here' : '';
    return { setting: words[field].name, has: before, asked: `${after}${unseen}` };
  });
}

/** Every setting of a spec, as `gateway.toml` has it. */
export function settingsOf(spec: GatewaySpec): Pick<Difference, 'setting' | 'asked'>[] {
  return fields.map((field) => ({ setting: words[field].name, asked: written(spec, field, Infinity) }));
}

/** What to change so that some fields of a gateway become what is asked for; a default is said. */
export function changeTo(asked: GatewaySpec, named: readonly Field[]): SpecChange {
  const { diskMb = 'none', models = 'none', config = 'none', timezone = 'none', environment = 'none' } = asked;
  const all = { ...whole(asked), diskMb, models, config, timezone, environment };
  return Object.fromEntries(named.map((field) => [field, all[field]]));
}

/** The commands that turn a gateway into what is asked for, each ready to type. */
export function waysTo(id: string, has: GatewaySpec, asked: GatewaySpec): string {
  const other = differing(has, asked);
  if (other.includes('machine')) return 'A gateway keeps its machine for life: leave machine as it is';
  const flags = other.flatMap((field) => flagOf(asked, field) ?? []);
  const release = other.includes('release') ? [`creel upgrade ${id} --release ${asked.release}${devFlag(asked)}`] : [];
  const change = flags.length > 0 ? [`creel change ${id} ${flags.join(' ')}`] : [];
  const commands = [...release, ...change].map((command) => `\`${command}\``).join(', then ');
  if (commands !== '') return `To make it so: ${commands}`;
  return `dev changes with its release alone: leave it as it is`;
}

function whole(spec: GatewaySpec) {
  const { keepFormerMs: formerMs = keepFormerMs, rotation = 'manual', repair = 'manual', fence = 'on' } = spec;
  return { ...spec, keepFormerMs: formerMs, rotation, repair, fence };
}

/** The value of a field as `gateway.toml` has it. */
function written(spec: GatewaySpec, field: Field, senders = sendersShown): string {
  const {
    release,
    dev,
    memoryMb,
    cpus,
    keepStateMs,
    keepFormerMs: formerMs,
    parkMs,
    rotation,
    repair,
    fence,
  } = whole(spec);
  const text = {
    release: () => quoted(release),
    dev: () => String(dev),
    memoryMb: () => quoted(sizeText(memoryMb)),
    cpus: () => String(cpus),
    diskMb: () => (spec.diskMb === undefined ? 'none' : quoted(sizeText(spec.diskMb))),
    keepStateMs: () => quoted(durationText(keepStateMs)),
    keepFormerMs: () => quoted(durationText(formerMs)),
    parkMs: () => quoted(durationText(parkMs)),
    rotation: () => quoted(rotation),
    repair: () => quoted(repair),
    fence: () => quoted(fence),
    channels: () => spec.channels.map((each) => channelText(each, senders)).join(' and ') || 'none',
    models: () => modelsText(spec.models),
    config: () => extrasText(spec.config, senders),
    timezone: () => (spec.timezone === undefined ? 'none' : quoted(spec.timezone)),
    environment: () => environmentText(spec.environment),
    machine: () => machineText(spec.machine),
  };
  return text[field]();
}

/** A channel without its senders: its kind, and where its tokens lie, as `gateway.toml` names them. */
export function channelSource({ kind, secrets }: Channel): string {
  const tokens = tokensOf(secrets);
  return tokens.length > 0 ? `${kind} (${tokens.join(', ')})` : kind;
}

function tokensOf(secrets: Channel['secrets']): string[] {
  return Object.entries(secrets).map(([key, reference]) => `${writtenKey(key)} = ${quoted(reference)}`);
}

function channelText({ kind, secrets, allowFrom, pairSenders }: Channel, most: number): string {
  const shown = allowFrom.slice(0, most).map(quoted);
  const more = allowFrom.length > shown.length ? [`${allowFrom.length - shown.length} more`] : [];
  const senders = [`allow_from = [${[...shown, ...more].join(', ')}]`, ...(pairSenders ? ['pair_senders = true'] : [])];
  return `${kind} (${[...tokensOf(secrets), ...senders].join(', ')})`;
}

function flagOf(asked: GatewaySpec, field: Field): string | undefined {
  const { flag } = words[field];
  if (flag === undefined) return undefined;
  return `${flag} ${['channels', 'models', 'config', 'environment'].includes(field) ? 'gateway.toml' : written(asked, field)}`;
}

function devFlag({ dev }: GatewaySpec): string {
  return dev ? ' --dev' : '';
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
