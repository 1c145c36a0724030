import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { createActivities, type Activities } from '../src/activities/activities.js';
import type { Change } from '../src/domain/changes/change.js';
import { birthFrom, layout, type Gateway } from '../src/domain/gateway/gateway.js';
import type { GatewaySpec } from '../src/domain/gateway/spec.js';
import { masterKey } from '../src/domain/keys/token.js';
import { ringOf } from '../test/world/test-keys.js';
import { straightOut } from '../src/domain/hosts/egress.js';
import { openWorld } from '../src/open-world.js';
import { provisionSteps } from '../src/workflows/provision/operation.js';
import { registry } from '../src/workflows/operations.js';
import { testCatalogue, testKey, testPool, type RealGround } from '../test/ground/real-ground.js';
import { foundSocket } from '../test/ground/found.js';
import { noRecords } from '../src/releases/no-records.js';

/** What a person's script would do: the same calls in the same order, without anything that survives it. */
export class PlainScript {
  readonly #activities: Activities;
  readonly #deployment: string;

  constructor(ground: RealGround) {
    const config = {
      catalogue: testCatalogue(),
      pool: testPool,
      engineSocket: foundSocket(),
      secretsFile: `${ground.root}/secrets`,
      auditFile: `${ground.root}/audit.jsonl`,
      egress: straightOut,
      pager: undefined,
    };
    const signal = () => undefined;
    const keys = ringOf(masterKey(testKey));
    const world = openWorld({ config, keys, deployment: ground.deployment, signal, log: pino({ level: 'silent' }) });
    this.#activities = createActivities({
      ...world,
      signal,
      findOpenOperations: async () => [],
      records: noRecords,
      temporalNow: async () => Date.now(),
      findEngines: async () => [],
      gatewaysOn: async () => [],
    });
    this.#deployment = ground.deployment;
  }

  /** A gateway that does not exist yet. */
  newGateway(spec: GatewaySpec): Gateway {
    const gateway = `s${randomBytes(4).toString('hex')}`;
    return {
      mark: { deployment: this.#deployment, gateway, birth: birthFrom(randomBytes(6)), layout },
      place: { provider: 'local', host: 'local' },
      spec,
      tokenGeneration: 1,
      deviceGeneration: 1,
    };
  }

  /** Does these steps, one after the other. */
  async run(steps: readonly string[], gateway: Gateway & { readonly change?: Change }): Promise<void> {
    for (const step of steps) await this.#call(registry[step]?.do ?? 'findGateway', gateway);
  }

  async remove(gateway: Gateway): Promise<void> {
    for (const step of provisionSteps.toReversed()) {
      const undo = registry[step]?.undo;
      if (undo) await this.#call(undo, gateway);
    }
  }

  async #call(name: string, gateway: Gateway): Promise<void> {
    await (this.#activities[name as keyof Activities] as (gateway: Gateway) => Promise<unknown>)(gateway);
  }
}
