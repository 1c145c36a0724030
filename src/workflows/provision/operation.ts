import type { GatewaySpec } from '../../domain/gateway/spec.js';
import type { Living } from '../../domain/gateway/life.js';
import type { Operation } from '../record/operation.js';
import type { StepsTaking } from '../saga/step.js';

/** Everything that a live gateway owns, in the order in which it comes to exist. */
const provisionRows = {
  'check machine': { do: 'probeMachineOrder', pace: 'act', ofMachine: true }, // only reads
  'create machine': { do: 'ensureMachine', undo: 'removeMachine', pace: 'act', ofMachine: true },
  'give address': { do: 'ensureMachineAddress', pace: 'wait', ofMachine: true, undoneBy: 'create machine' }, // goes with the machine
  'await machine': { do: 'probeMachine', pace: 'fetch', ofMachine: true }, // only reads
  'set firewall': { do: 'ensureFirewall', pace: 'act', ofMachine: true, undoneBy: 'create machine' }, // goes with the machine
  'fence metadata': { do: 'ensureMetadataFence', pace: 'act', ofMachine: true, undoneBy: 'create machine' }, // goes with the machine
  'check host': { do: 'ensureHost', pace: 'act' }, // only reads
  'fetch release': { do: 'ensureRelease', pace: 'fetch' }, // an image is shared between gateways
  'prove fence': { do: 'probeFence', pace: 'wait' }, // what it makes goes before it ends
  'keep state': { do: 'ensureState', undo: 'removeState', pace: 'act', holdsState: true },
  'join network': { do: 'ensureNetwork', undo: 'removeNetwork', pace: 'act' },
  'write config': { do: 'ensureConfig', undo: 'removeConfig', pace: 'act' },
  'start container': { do: 'ensureContainer', undo: 'removeContainer', pace: 'act' },
  'await readiness': { do: 'probeReadiness', pace: 'wait' }, // only reads
  'pair operator': { do: 'ensureOperator', pace: 'act' }, // the device goes with its state
  'probe channels': { do: 'probeChannels', optional: true, pace: 'wait' }, // only reads
  'prove turn': { do: 'probeTurn', optional: true, pace: 'wait', attempts: 5 }, // its session goes again; each try may cost a turn
  'keep running': { do: 'ensureRestartPolicy', pace: 'act' }, // the policy goes with its container
  'read back': { do: 'findGateway', pace: 'act' }, // only reads
} as const satisfies StepsTaking<Living>;

type ProvisionStep = keyof typeof provisionRows;

/** The same as a list: read forward it provisions and repairs, read backward it cleans up. */
export const provisionSteps = [
  'check host',
  'fetch release',
  'keep state',
  'join network',
  'write config',
  'start container',
  'await readiness',
  'pair operator',
  'probe channels',
  'keep running',
  'read back',
] as const satisfies readonly ProvisionStep[];

/** The same of a gateway in whose spec a model stands: it is ready once it was answered. */
export const answeringSteps: readonly ProvisionStep[] = provisionSteps.flatMap((step) =>
  step === 'keep running' ? (['prove turn', step] as const) : [step],
);

/** What comes before those of a gateway that is to have a machine of its own: it runs, is known, and lets in who may. */
const machineSteps = [
  'check machine',
  'create machine',
  'await machine',
  'set firewall',
  'fence metadata',
] as const satisfies readonly ProvisionStep[];

/** The list for a spec: its machine if it has one of its own, then the gateway on it. */
export function stepsFor({ machine, models }: Pick<GatewaySpec, 'machine' | 'models'>): readonly ProvisionStep[] {
  const steps = models ? answeringSteps : provisionSteps;
  if (!machine) return steps;
  const before = machineSteps.flatMap((step) =>
    step === 'await machine' && machine.address === 'static' ? (['give address', step] as const) : [step],
  );
  return [...before, ...steps];
}

/** The list that begins a life: its host has to be fenced, unless the spec asks for none of that (row 72). */
export function firstStepsFor(spec: Pick<GatewaySpec, 'machine' | 'models' | 'fence'>): readonly ProvisionStep[] {
  const steps = stepsFor(spec);
  if (spec.fence === 'off') return steps;
  return steps.flatMap((step) => (step === 'keep state' ? (['prove fence', step] as const) : [step]));
}

/** The step that holds a machine of the gateway's own, and so all that is on it. */
export const machineStep = 'create machine' satisfies ProvisionStep;

/** The step that holds the customer's data. */
export const stateStep = 'keep state' satisfies ProvisionStep;

/** Begins a life: ready, or nothing is left of it. */
export const provision: Operation = {
  kind: 'provision',
  workflow: 'provision',
  phase: 'provisioning',
  steps: provisionRows,
  next: { left: (id) => `creel remove ${id}` },
};

/** Goes over a life that exists: proves what it finds, mends what is missing. */
export const repair: Operation = { ...provision, kind: 'repair', workflow: 'repair', phase: 'repairing', next: {} };

/** Goes on with the state that a removal kept. */
export const restore: Operation = { ...repair, kind: 'restore', phase: 'provisioning' };

/** Goes on with a life whose record was lost. */
export const takingUp: Operation = { ...repair, kind: 'take-up', workflow: 'takeUp', phase: 'provisioning' };
