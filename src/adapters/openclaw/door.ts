import type { Duplex } from 'node:stream';
import type { z } from 'zod';
import { Away, NotYet } from '../../domain/errors.js';
import type { SenderBook } from '../../domain/channels/paired-senders.js';
import type { Endpoint } from '../../domain/models/endpoint.js';
import type { Place } from '../../domain/hosts/place.js';
import type { Secret } from '../../domain/secret.js';
import { reachMs } from '../../domain/thresholds.js';
import type { DockerEngine, ExecRequest, ExecResult } from '../../ports/docker-engine.js';
import type {
  Address,
  Call,
  Credentials,
  GatewayDoor,
  Inside,
  InsideKnock,
  Knock,
  Pulse,
  SenderDeed,
} from '../../ports/gateway-door.js';
import { dashboardCommand, readLink } from './control-link.js';
import { doorLimits, type DoorLimits } from './limits.js';
import { egressHost, egressMs, egressReport, egressScript, visitScript } from './inside-script.js';
import { readReport, readVisit, visitInput } from './inside-visit.js';
import { readBook, sendersScript } from './senders-script.js';
import { knockOver } from './outside-knock.js';
import { getOver, Late, readStartup } from './startup-probe.js';

export type DoorParts = {
  /** A connection to a published port of a place, or `NotYet`. */
  readonly dial: (place: Place, port: number) => Promise<Duplex>;
  readonly engineAt: (place: Place) => DockerEngine;
  /** The cancellation of the current activity, if any. */
  readonly signal: () => AbortSignal | undefined;
};

type Headers = Readonly<Record<string, string>>;

/**
 * A gateway whose `trustedProxies` cover our address answers 403 to a request that names no client (T14). So we name
 * one: an address that belongs to nobody (RFC 5737), and gives no rights.
 */
const asForwarded: Headers = { 'x-forwarded-for': '192.0.2.1' };

/** How a process ends with its container, or for want of memory in it: by SIGKILL. */
const killed = 137;

/** The door of real gateways: `ws` and HTTP over a dialled stream outside, a script over exec inside. */
export class OpenclawDoor implements GatewayDoor {
  readonly #parts: DoorParts;
  readonly #limits: DoorLimits;

  constructor(parts: DoorParts, limits: DoorLimits = doorLimits) {
    this.#parts = parts;
    this.#limits = limits;
  }

  async probeStartup(at: Address): Promise<void> {
    const get = async (path: string, headers: Headers) =>
      getOver(await this.#dial(at), path, headers, this.#limits.connectMs, this.#parts.signal());
    await readStartup(async (path) => {
      const answer = await get(path, {});
      return answer.status === 403 ? get(path, asForwarded) : answer;
    });
  }

  async findPulse(at: Address): Promise<Pulse> {
    const signal = this.#parts.signal();
    try {
      await getOver(await this.#dial(at), '/healthz', {}, this.#limits.connectMs, signal);
      return 'answers';
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Late) return 'silent';
      if (error instanceof Away) throw error; // Of its host nothing is known.
      return error instanceof NotYet ? 'deaf' : 'answers'; // Any other error is an answer.
    }
  }

  async knock(at: Address, as: Credentials): Promise<Knock> {
    const knock = async (headers: Headers) =>
      knockOver(await this.#dial(at), as, headers, this.#limits, this.#parts.signal());
    const heard = await knock({});
    return heard.kind === 'turned away' && heard.code === 'http 403' ? knock(asForwarded) : heard;
  }

  async callInside(at: Inside, calls: readonly Call[]): Promise<InsideKnock> {
    const { insideMs } = this.#limits;
    const command = ['node', '--input-type=module', '-e', visitScript];
    const { stdout } = await this.#exec(at, {
      command,
      input: visitInput(at.token, calls, insideMs),
      timeoutMs: insideMs,
    });
    return readVisit(readReport(stdout), calls);
  }

  async visitSenders(at: Inside, channels: readonly string[], deed: SenderDeed): Promise<SenderBook> {
    const command = ['node', '--input-type=module', '-e', sendersScript];
    const { sendersMs } = this.#limits;
    const input = JSON.stringify({ channels, deed, limitMs: sendersMs });
    const { stdout } = await this.#exec(at, { command, input, timeoutMs: sendersMs });
    return readBook(stdout);
  }

  async mintLink(inside: Inside, at: Address): Promise<{ url: Secret; expiresAt: string }> {
    const request = { command: dashboardCommand, input: '', timeoutMs: this.#limits.linkMs };
    return readLink(await this.#exec(inside, request), at.port);
  }

  async probeEgress(inside: Inside): Promise<string> {
    try {
      const { ok, reason } = await this.#reach(inside, { host: egressHost, port: 443 }, egressMs);
      return ok ? `reaches ${egressHost}:443` : `no egress: ${egressHost}:443 ${reason}`;
    } catch {
      return 'egress not known: the question could not be asked inside the container';
    }
  }

  async findObstacle(inside: Inside, to: Endpoint): Promise<string | undefined> {
    const { ok, reason } = await this.#reach(inside, to, reachMs);
    return ok ? undefined : reason;
  }

  async #reach(inside: Inside, { host, port }: Endpoint, limitMs: number): Promise<z.infer<typeof egressReport>> {
    const command = ['node', '--input-type=module', '-e', egressScript, host, String(port), String(limitMs)];
    const { stdout } = await this.#exec(inside, { command, input: '', timeoutMs: limitMs + 10_000 });
    return egressReport.parse(JSON.parse(stdout));
  }

  #dial(at: Address): Promise<Duplex> {
    return this.#parts.dial(at.place, at.port);
  }

  async #exec(inside: Inside, request: ExecRequest): Promise<ExecResult> {
    const engine = this.#parts.engineAt(inside.place);
    const container = await engine.findContainer(inside.container);
    if (container?.state !== 'running') throw new NotYet(`container ${inside.container} does not run`);
    const done = await engine.exec(container.id, request);
    if (done.exitCode === killed) throw new NotYet(`what was asked in container ${inside.container} was killed`);
    return done;
  }
}
