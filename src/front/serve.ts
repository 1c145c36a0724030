import { connect, type Flags } from '../client/connect.js';
import { pollersOf } from '../client/pollers.js';
import { tellPerson } from '../client/tell.js';
import { readFront } from '../settings/front.js';
import { taskQueue } from '../wire/ids.js';
import { frontDoor } from './door.js';
import { SubscriptionNow } from './subscription-now.js';

/** Serves the front door until SIGTERM or Ctrl-C; what was begun by then is answered. */
export async function serve(flags: Flags): Promise<void> {
  const { host, port, stripeKey, ...settings } = readFront(process.env);
  const { client, close } = await connect(flags);
  const now = stripeKey && new SubscriptionNow(stripeKey);
  const server = frontDoor({
    ...settings,
    client,
    ...(now && { asOfNow: (event, meaning) => now.asOfNow(event, meaning) }),
    tell: (id, title, text) => tellPerson(client, { id: `billing-${id}`, gateway: 'billing', title, text }),
    isServed: async () => (await pollersOf(client, taskQueue, 'workflow')).length > 0,
  });
  const over = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  const address = await server.listen({ host, port });
  process.stderr.write(`creel serve: ${address}\n`);
  await over;
  await server.close();
  await close();
}
