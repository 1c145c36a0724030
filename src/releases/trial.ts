import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import { pino } from 'pino';
import { createActivities, type Activities } from '../activities/activities.js';
import { awaitTurn, beginTurn } from '../activities/parts/door/control.js';
import { openSession } from '../activities/parts/door/operator.js';
import { DockerodeEngine } from '../adapters/docker/engine.js';
import { addresses, listen } from '../dev/models/reach.js';
import { ModelProvider } from '../dev/models/model-provider.js';
import type { Change } from '../domain/changes/change.js';
import { Foreign, Refused } from '../domain/errors.js';
import { stateDirectory } from '../domain/gateway/config.js';
import { birthFrom, layout, names, type Gateway } from '../domain/gateway/gateway.js';
import type { GatewaySpec } from '../domain/gateway/spec.js';
import type { Place } from '../domain/hosts/place.js';
import type { Pool } from '../domain/hosts/slot.js';
import { straightOut } from '../domain/hosts/egress.js';
import { KeyRing } from '../domain/keys/key-ring.js';
import { masterKey } from '../domain/keys/token.js';
import type { Release } from '../domain/release/release.js';
import { Secret } from '../domain/secret.js';
import { memoryFloorMb, replacementReadyMs } from '../domain/thresholds.js';
import { openWorld } from '../open-world.js';
import type { DockerEngine } from '../ports/docker-engine.js';
import { answeringSteps } from '../workflows/provision/operation.js';
import { asking, upgradeSteps } from '../workflows/replace/operation.js';
import { registry } from '../workflows/operations.js';
import type { Deps } from '../world/deps.js';
import { noRecords } from './no-records.js';
import { whyRestarted } from './token-trial.js';

/** What is tried, and on what. */
export type TrialPlan = {
  readonly release: Release;
  /** The release that the trial comes from; absent where the fleet knows no older one. */
  readonly from?: Release;
  readonly engineSocket: string;
  readonly pool: Pool;
  /** A directory that is the trial's own. */
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly say: (sentence: string) => void;
};

/** What a trial finds out of a release that has proved itself. */
export type Seen = { readonly reloadsToken: boolean };

/** Whose whatever a trial makes is: no deployment is called so, because the ids of those are drawn. */
const deployment = 'releasetry';
const place: Place = { provider: 'local', host: 'local' };
const model = 'echo-1';
const session = 'creel-trial';

/** The engine goes on for a moment with what a step that was cut off has asked for: it is cleared so often, so long apart. */
const clearings = 3;
const landsMs = 1_500;

/** How often a step is tried before it counts as failed, and how long after. */
const tries = 10;
const againMs = 1_000;

/**
 * Tries a prepared image as creel would run it: a gateway on the release before it (or on itself) is provisioned, its
 * messages are answered, somebody leaves a conversation and files in it, and it is upgraded, rehearsed on a copy of that
 * state; then the conversation goes on and the files are there. At last its token is changed. What an earlier trial of
 * this release left is cleared first, and everything when it is over. `Refused` with the step that failed, and why; the
 * reason of the signal once it has fired.
 */
export async function tryRelease(plan: TrialPlan): Promise<Seen> {
  const trial = await Trial.open(plan);
  try {
    await trial.clear();
    return await cleared(plan, trial);
  } finally {
    await trial.close();
  }
}

/** Runs the trial and clears up after it: why it failed counts more than that something of it could not be cleared. */
async function cleared({ say }: TrialPlan, trial: Trial): Promise<Seen> {
  let seen: Seen;
  try {
    seen = await trial.run();
  } catch (error) {
    await clearedForGood(trial).catch((left: unknown) => {
      const why = left instanceof Error ? left.message : String(left);
      say(`what the trial made could not be cleared: ${why}. The next trial of this release clears it`);
    });
    throw error;
  }
  await trial.clear();
  return seen;
}

/** What is still made after the first time, or holds what is to go, is met by the next; the last one says how it ended. */
async function clearedForGood(trial: Trial): Promise<void> {
  for (let time = 1; time < clearings; time += 1) {
    await trial.clear().catch(() => undefined);
    await after(landsMs);
  }
  await trial.clear();
}

class Trial {
  readonly #plan: TrialPlan;
  readonly #deps: Deps;
  readonly #activities: Activities;
  readonly #engine: DockerEngine;
  readonly #provider = new ModelProvider(randomBytes(18).toString('base64url'), [model]);

  private constructor(plan: TrialPlan, deps: Deps) {
    this.#plan = plan;
    this.#deps = deps;
    this.#activities = createActivities(deps);
    this.#engine = new DockerodeEngine({ socketPath: plan.engineSocket, signal: () => undefined }); // It clears after an interruption.
  }

  /** A world of its own: a key that is forgotten with this process, secrets and audit in the directory of the trial. */
  static async open(plan: TrialPlan): Promise<Trial> {
    const { directory, engineSocket, pool, release, from } = plan;
    const key = masterKey(randomBytes(32).toString('hex'));
    const world = openWorld({
      config: {
        catalogue: [{ ...release, reloadsToken: true }, ...(from ? [from] : [])], // It counts where its token is changed so.
        pool,
        egress: straightOut, // The model of a trial is on this machine.
        engineSocket,
        secretsFile: `${directory}/secrets`,
        auditFile: `${directory}/audit.jsonl`,
        pager: undefined,
      },
      keys: new KeyRing(key.id, () => [key]),
      deployment,
      signal: () => plan.signal,
      log: pino({ level: 'silent' }),
    });
    const asked = {
      findOpenOperations: async () => [],
      findEngines: async () => [],
      gatewaysOn: async () => [],
      records: noRecords,
    };
    return new Trial(plan, { ...world, ...asked, signal: () => plan.signal, temporalNow: async () => Date.now() });
  }

  async run(): Promise<Seen> {
    const { from, release, say } = this.#plan;
    const gateway = this.#gateway(await this.#spec((from ?? release).version));
    say(`a gateway on ${gateway.spec.release}, hardened as any other`);
    await this.#read(answeringSteps, gateway);
    say(`its messages are answered, by a model that stands in for a real one`);
    if (!from) return this.#changeToken(gateway);
    await this.#live(gateway);
    say(`upgrade to ${release.version}: first on a copy of a state in which somebody left a conversation and files`);
    const to = { ...gateway.spec, release: release.version };
    const change: Change = { kind: 'upgrade', to, number: 1, save: 'a', readyMs: replacementReadyMs };
    await this.#read(asking(upgradeSteps, to), { ...gateway, change });
    const upgraded = { ...gateway, spec: to, replacement: 1 };
    await this.#livesOn(upgraded);
    say(`it is on ${release.version}, answers, and what was left is there`);
    return this.#changeToken(upgraded);
  }

  async #changeToken(gateway: Gateway): Promise<Seen> {
    const { say, signal } = this.#plan;
    const why = await whyRestarted(this.#deps, this.#activities, gateway);
    signal.throwIfAborted(); // What was cut off by it is no answer.
    if (why === undefined) say('it takes another token while it runs: a rotation stops nothing');
    else say(`a rotation of its token restarts it: ${why}`);
    return { reloadsToken: why === undefined };
  }

  async close(): Promise<void> {
    await this.#provider.close().catch(() => undefined); // It may never have listened.
  }

  /** Removes whatever carries the mark of a trial of this release: containers first, which hold the rest. */
  async clear(): Promise<void> {
    const { gateway } = this.#mark();
    const marked = (await this.#engine.listMarked()).filter(
      ({ labels }) => labels['creel.deployment'] === deployment && labels['creel.gateway'] === gateway,
    );
    const named = (kind: string) => marked.filter((each) => each.kind === kind).map(({ name }) => name);
    for (const name of named('container')) await this.#engine.removeContainer(name);
    for (const name of named('network'))
      for (const { id } of await this.#engine.findNetworks(name)) await this.#engine.removeNetwork(id);
    for (const name of named('volume')) await this.#engine.removeVolume(name);
  }

  #mark(): Gateway['mark'] {
    const { version } = this.#plan.release;
    const gateway = `try-${version.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`.slice(0, 30).replace(/-$/, '');
    return { deployment, gateway, birth: birthFrom(createHash('sha256').update(version).digest()), layout };
  }

  #gateway(spec: GatewaySpec): Gateway {
    return { mark: this.#mark(), place, spec, tokenGeneration: 1, deviceGeneration: 1 };
  }

  /** The provider listens where containers find it; its key is stored as any. */
  async #spec(release: string): Promise<GatewaySpec> {
    const at = await listen(this.#provider, 0, await addresses(this.#engine));
    if (!at) throw new Refused('no address of this machine can be reached from a container: nothing answers a trial');
    await this.#deps.secrets.write('trial-model', new Secret(this.#provider.key));
    const baseUrl = `http://${at.address}:${at.port}/v1`;
    const own = {
      id: 'trial',
      key: 'secret:trial-model',
      baseUrl,
      api: 'openai-completions',
      models: [model],
    } as const;
    const models = { default: `trial/${model}`, fallbacks: [], providers: [own] };
    return { release, dev: true, memoryMb: memoryFloorMb, cpus: 2, keepStateMs: 0, parkMs: 0, channels: [], models };
  }

  /** Does these steps, one after the other, each until it is done or will never be. */
  async #read(steps: readonly string[], gateway: Gateway & { readonly change?: Change }): Promise<void> {
    for (const step of steps) {
      const name = registry[step]?.do ?? 'findGateway';
      const activity = this.#activities[name as keyof Activities] as (gateway: Gateway) => Promise<unknown>;
      const answer = await this.#patiently(step, () => activity(gateway));
      if (isUnanswered(answer)) throw new Refused(`${step}: ${answer.unanswered}`);
    }
  }

  async #patiently<T>(step: string, act: () => Promise<T>): Promise<T> {
    for (let time = 1; ; time += 1) {
      this.#plan.signal.throwIfAborted();
      try {
        return await act();
      } catch (error) {
        this.#plan.signal.throwIfAborted(); // What was cut off by it fails in words of its own.
        if (!(error instanceof Error)) throw error;
        if (time === tries || error instanceof Refused || error instanceof Foreign)
          throw new Refused(`${step}: ${error.message}`, { cause: error });
      }
      await after(againMs, undefined, { signal: this.#plan.signal }).catch(() => this.#plan.signal.throwIfAborted());
    }
  }

  /** Somebody writes files, and has a conversation that stays in the state. */
  async #live(gateway: Gateway): Promise<void> {
    await this.#inside(
      gateway,
      `fs.mkdirSync(dir, { recursive: true }); for (const [name, text] of notes) fs.writeFileSync(dir + name, text);`,
    );
    await this.#patiently('talk', () => this.#talk(gateway));
  }

  async #livesOn(gateway: Gateway): Promise<void> {
    await this.#inside(
      gateway,
      `for (const [name, text] of notes) if (fs.readFileSync(dir + name, 'utf8') !== text) throw new Error(name + ' differs');`,
    );
    await this.#patiently('go on with the conversation', () => this.#talk(gateway));
  }

  async #inside(gateway: Gateway, script: string): Promise<void> {
    const notes = `const fs = require('node:fs'), dir = '${stateDirectory}/workspace/trial/';
      const notes = Array.from({ length: 200 }, (_, index) => [index + '.md', ('note ' + index + ' ').repeat(100)]);`;
    const command = ['node', '-e', `${notes}\n${script}`];
    const request = { command, input: '', timeoutMs: 30_000 };
    const { exitCode, stderr } = await this.#engine.exec(names(gateway.mark).container, request);
    if (exitCode !== 0) throw new Refused(`what was left in the state is not as it was: ${stderr.slice(-300)}`);
  }

  async #talk(gateway: Gateway): Promise<void> {
    const connection = await openSession(this.#deps, gateway);
    try {
      const run = await beginTurn(connection, session, 'Say what I said.');
      for (let time = 0; time < tries; time += 1) {
        const turn = await awaitTurn(connection, run);
        if (turn?.answered) return;
        if (turn) throw new Error(turn.said);
      }
      throw new Error('the conversation is not answered');
    } finally {
      connection.close();
    }
  }
}

function isUnanswered(answer: unknown): answer is { readonly unanswered: string } {
  return typeof answer === 'object' && answer !== null && 'unanswered' in answer;
}
