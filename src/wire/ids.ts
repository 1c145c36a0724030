/** Workflow ids and task queues: a format (layout 1) that outlives every version of the code. */

export const taskQueue = 'creel';

/** Where the work on one engine waits for a worker beside it. */
export function engineQueue(engine: string): string {
  return `${taskQueue}@${engine}`;
}

/** Beside a queue, where what only waits for a person or a device has slots of its own. */
export function waitsQueue(queue: string): string {
  return `${queue}/waits`;
}

/** The never-ending workflow whose memo says which deployment a namespace belongs to. */
export const deploymentWorkflowId = 'deployment';

/** The entity of one gateway, for all its lives. */
export function gatewayWorkflowId(gateway: string): string {
  return `gateway/${gateway}`;
}

/** Everything that runs on behalf of one gateway starts with this. */
export function operationPrefix(gateway: string): string {
  return `gateway/${gateway}/`;
}

/** The run of one operation. Numbers grow through all lives. */
export function operationWorkflowId(gateway: string, birth: string, number: number, kind: string): string {
  return `gateway/${gateway}/${birth}/${number}-${kind}`;
}

/** Every run over the whole fleet starts with this. */
const fleetPrefix = 'fleet/rotate/';

/** One rotation of the whole fleet. */
export function fleetWorkflowId(run: string): string {
  return `${fleetPrefix}${run}`;
}

/** The proof that an engine of this former id has another one now. */
export function renamedWorkflowId(former: string): string {
  return `engine/${former}/renamed`;
}

/** A look at a gateway that changes nothing: `open` or `probe`. */
export function lookWorkflowId(gateway: string, birth: string, look: string, nonce: string): string {
  return `gateway/${gateway}/${birth}/${look}-${nonce}`;
}
