import { readConfig, type Config } from '../../settings/config.js';
import { gatewayContainer } from '../../domain/gateway/container.js';
import { renderConfig } from '../../domain/gateway/config.js';
import { layout, markLabels, names, type Gateway } from '../../domain/gateway/gateway.js';
import type { GatewaySpec } from '../../domain/gateway/spec.js';
import { Secret } from '../../domain/secret.js';
import { slotsFor } from '../../domain/hosts/slot.js';
import { localPlace } from '../../client/gateways.js';
import { provisionSteps, registry } from '../../workflows/operations.js';

export type DryRun = {
  readonly id: string;
  readonly birth: string;
  /** The birth is made up from the request id, and another request gives another. */
  readonly proposed: boolean;
  readonly spec: GatewaySpec;
  readonly json: boolean;
};

/** How many of the slots that a gateway would try are shown. */
const shownSlots = 3;

/** Prints everything that a provision would make, by name, from this machine's settings. Nothing is touched, nobody asked. */
export function dryRun(asked: DryRun): void {
  const plan = planOf(asked, readConfig(process.env));
  process.stdout.write(asked.json ? `${JSON.stringify(plan)}\n` : `${planText(asked, plan)}\n`);
}

type Plan = ReturnType<typeof planOf>;

/** What a provision would make. Secrets show as `[secret]`, references as they are. */
export function planOf(
  { id, birth, spec }: Pick<DryRun, 'id' | 'birth' | 'spec'>,
  config: Pick<Config, 'pool' | 'catalogue'>,
) {
  const mark = { deployment: '(of the namespace)', gateway: id, birth, layout };
  const gateway: Gateway = { mark, place: localPlace, spec, tokenGeneration: 1, deviceGeneration: 1 };
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
    container: gatewayContainer(gateway, image ?? '(image)', port),
    config: renderConfig({
      release: spec.release,
      token: new Secret('[secret]'),
      port,
      channels: spec.channels.map(withoutSecrets),
    }),
    steps: provisionSteps.map((name) => ({ name, ...registry[name] })),
  };
}

function withoutSecrets(channel: GatewaySpec['channels'][number]) {
  const secrets = Object.entries(channel.secrets).map(
    ([key, reference]) => [key, new Secret(`[${reference}]`)] as const,
  );
  return { channel, secrets: Object.fromEntries(secrets) };
}

function planText({ proposed }: DryRun, plan: Plan): string {
  const birth = proposed ? `${plan.birth} (an example: each request brings its own)` : plan.birth;
  return [
    `provision ${plan.gateway} would make, on host ${plan.place.host}, birth ${birth}:`,
    '',
    'names',
    ...Object.entries(plan.names).map(([what, name]) => `  ${what.padEnd(10)} ${name}`),
    'labels on each',
    ...Object.entries(plan.labels).map(([label, value]) => `  ${label}=${value}`),
    'subnet and port, the first that is free of',
    ...plan.slots.map(({ subnet, port }) => `  ${subnet} with 127.0.0.1:${port}`),
    'image',
    `  ${plan.image}`,
    'limits',
    `  ${plan.spec.memoryMb} MB without swap, ${plan.spec.cpus} cpus`,
    'steps',
    ...plan.steps.map(
      ({ name, undo, optional }) => `  ${name}${undo ? ', undone by its own undo' : ''}${optional ? ', optional' : ''}`,
    ),
    'openclaw.json',
    indented(plan.config),
    'container',
    indented(plan.container),
    '',
    'nothing was touched',
  ].join('\n');
}

function indented(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replaceAll(/^/gm, '  ');
}
