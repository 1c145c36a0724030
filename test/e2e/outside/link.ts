import { randomBytes } from 'node:crypto';
import type { Gateway } from '../../../src/domain/gateway/gateway.js';
import { newRecipient } from '../../../src/domain/keys/seal.js';
import { lookWorkflowId } from '../../../src/wire/ids.js';
import { defaultLimits } from '../../../src/wire/limits.js';
import type { OpenResult } from '../../../src/wire/operation.js';
import type { RealGround } from '../../ground/real-ground.js';
import type { Stage } from '../../ground/stage.js';

/** A one-time link into the Control UI of a gateway, as `creel open` gives it. */
export async function linkInto(ground: RealGround, stage: Stage, gateway: Gateway): Promise<string> {
  const recipient = await newRecipient();
  const client = await stage.client();
  const handle = await client.workflow.start('openGateway', {
    workflowId: lookWorkflowId(stage.id, gateway.mark.birth, 'open', randomBytes(4).toString('hex')),
    taskQueue: ground.queue,
    args: [{ gateway, recipient: recipient.publicKey, limits: defaultLimits }],
  });
  const { sealed }: OpenResult = await handle.result();
  return (await recipient.open(sealed, `creel open ${stage.id}`)).reveal();
}
