import { createInterface } from 'node:readline/promises';
import { Refused } from '../domain/errors.js';
import { demoGateway } from './demo-gateway.js';
import type { DemoHost } from './demo-home.js';

type Asking = {
  /** The id, said beforehand. */
  readonly yes: string | undefined;
  readonly say: (line: string) => void;
  /** A person who goes away has said no. */
  readonly over: Promise<void>;
};

/** What a machine costs is said; a real one is bought only for whoever types the gateway's id then. */
export async function agreed(offer: string, host: DemoHost, { yes, say, over }: Asking): Promise<boolean> {
  if (host.kind !== 'lightsail') {
    say(
      `A stand-in for Lightsail sells the machine: a container of this engine, for nothing. At AWS this would be a ${offer}.`,
    );
    return true;
  }
  const warning = `This buys a ${offer}. It is paid from now until gateway ${demoGateway} is removed, which ends with the demo. The image goes there over SSH, about a gigabyte`;
  const typed = yes ?? (await typeId(warning, over));
  if (yes !== undefined) say(`${warning}.`);
  if (typed?.trim() === demoGateway) return true;
  say(`\nNothing was bought${typed === undefined ? '' : `: ${JSON.stringify(typed.trim())} is not ${demoGateway}`}.`);
  return false;
}

/** What somebody types; undefined for one who interrupts. The terminal stays as it is, so that Ctrl-C is a signal. */
async function typeId(warning: string, over: Promise<void>): Promise<string | undefined> {
  if (!process.stdin.isTTY)
    throw new Refused(`${warning}. Nobody is here to type the gateway's id: say --yes ${demoGateway}`);
  const input = createInterface({ input: process.stdin, output: process.stdout, terminal: false });
  try {
    return await Promise.race([
      input.question(`${warning}. Type ${demoGateway} to go on: `),
      over.then(() => undefined),
    ]);
  } finally {
    input.close();
  }
}
