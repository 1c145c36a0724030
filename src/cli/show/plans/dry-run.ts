import { sizeText } from '../../../domain/amounts.js';
import { readConfig, type Config } from '../../../settings/config.js';
import { gatewayContainer } from '../../../domain/gateway/container.js';
import { layout, markLabels, names, type Gateway } from '../../../domain/gateway/gateway.js';
import type { GatewaySpec } from '../../../domain/gateway/spec.js';
import { placeFor } from '../../../domain/hosts/place.js';
import { slotsFor } from '../../../domain/hosts/slot.js';
import { localPlace } from '../../../client/gateways.js';
import type { Description } from '../../../wire/description.js';
import { settingsOf } from '../../../domain/gateway/spec-words.js';
import { firstStepsFor, stepsFor } from '../../../workflows/provision/operation.js';
import { registry } from '../../../workflows/operations.js';
import { renderedConfig } from '../rendered-config.js';

export type DryRun = {
  readonly id: string;
  readonly birth: string;
  /** The birth is derived from the request id; another request gets another one. */
  readonly proposed: boolean;
  readonly spec: GatewaySpec;
  readonly json: boolean;
  /** The machine that it would buy, and its price; absent where it would buy none, or nobody could be asked. */
  readonly offer?: string;
  /** Why neither a record nor a worker could be asked; absent when they were. */
  readonly unheard?: string;
};

/** How many of a gateway's candidate slots are shown. */
const shownSlots = 3;

/**
 * Prints, by name, everything that a provision would make with this machine's settings. Touches nothing, asks nobody.
 */
export function dryRun(asked: DryRun): void {
  const plan = planOf(asked, readConfig(process.env));
  const { unheard, offer } = asked;
  process.stdout.write(
    asked.json
      ? `${JSON.stringify({ ...plan, ...(offer !== undefined && { offer }), ...(unheard !== undefined && { unheard }) })}\n`
      : `${planText(asked, plan)}\n`,
  );
}

/** Prints that a provision would repair the gateway that there is, as it is on record. */
export function repairRun({ gateway, phase, life }: Description, json: boolean): void {
  if (!life) return;
  const { mark, spec } = life;
  const steps = stepsFor(spec);
  const text = [
    `provision ${gateway} would repair it: it lives (${phase}, birth ${mark.birth}), and is to be what is on record`,
    ...settingsOf(spec).map(({ setting, asked }) => `  ${setting.padEnd(11)} ${asked}`),
    `  steps       ${steps.join(' · ')}`,
    'nothing was touched; what stands is looked at by the steps themselves',
  ].join('\n');
  process.stdout.write(
    json ? `${JSON.stringify({ gateway, birth: mark.birth, repair: true, spec, steps })}\n` : `${text}\n`,
  );
}

type Plan = ReturnType<typeof planOf>;

/** What a provision would make. Secrets show as `[secret]`, references as they are. */
export function planOf(
  { id, birth, spec }: Pick<DryRun, 'id' | 'birth' | 'spec'>,
  config: Pick<Config, 'pool' | 'catalogue' | 'egress'>,
) {
  const mark = { deployment: '(of the namespace)', gateway: id, birth, layout };
  const gateway: Gateway = {
    mark,
    place: placeFor(mark, spec.machine, localPlace),
    spec,
    tokenGeneration: 1,
    deviceGeneration: 1,
  };
  const image = config.catalogue.find((line) => line.version === spec.release)?.image;
  const slots = [];
  for (const slot of slotsFor(config.pool, names(mark).network)) {
    if (slots.push(slot) === shownSlots) break;
  }
  const port = slots[0]?.port ?? config.pool.firstPort;
  return {
    gateway: id,
    birth,
    place: gateway.place,
    spec,
    names: names(mark),
    labels: markLabels(mark),
    image: image ?? `(as the worker's catalogue says for ${spec.release})`,
    slots,
    container: gatewayContainer(gateway, image ?? '(image)', port, config.egress),
    config: renderedConfig(spec, port),
    steps: firstStepsFor(spec).map((name) => ({ name, ...registry[name] })),
  };
}

function planText({ proposed, unheard, offer }: DryRun, plan: Plan): string {
  const birth = proposed ? `${plan.birth} (an example: each request brings its own)` : plan.birth;
  return [
    `provision ${plan.gateway} would make, on host ${plan.place.host}, birth ${birth}:`,
    '',
    ...(offer === undefined
      ? []
      : ['machine, which is bought and paid for until the gateway is removed', `  ${offer}`]),
    'names',
    ...Object.entries(plan.names).map(([what, name]) => `  ${what.padEnd(10)} ${name}`),
    'labels on each',
    ...Object.entries(plan.labels).map(([label, value]) => `  ${label}=${value}`),
    'subnet and port, the first that is free of',
    ...plan.slots.map(({ subnet, port }) => `  ${subnet} with 127.0.0.1:${port}`),
    'image',
    `  ${plan.image}`,
    'limits',
    `  ${plan.spec.memoryMb} MB without swap, ${plan.spec.cpus} cpus${diskText(plan.spec)}`,
    'steps',
    ...plan.steps.map(
      ({ name, undo, optional }) => `  ${name}${undo ? ', undone by its own undo' : ''}${optional ? ', optional' : ''}`,
    ),
    'openclaw.json',
    indented(plan.config),
    'container',
    indented(plan.container),
    '',
    ...(unheard === undefined
      ? []
      : [`held against no record, catalogue of a worker or stored secret, because nobody could be asked: ${unheard}`]),
    'nothing was touched',
  ].join('\n');
}

function diskText({ diskMb }: GatewaySpec): string {
  return diskMb === undefined
    ? ''
    : `; its state is to take ${sizeText(diskMb)} of the disk at most, which is measured`;
}

function indented(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replaceAll(/^/gm, '  ');
}
