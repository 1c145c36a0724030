import type { Duplex } from 'node:stream';
import { NotYet } from '../../domain/errors.js';
import type { Place } from '../../domain/hosts/place.js';
import type { Secret } from '../../domain/secret.js';
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
} from '../../ports/gateway-door.js';
import { dashboardCommand, readLink } from './control-link.js';
import { doorLimits, type DoorLimits } from './limits.js';
import { egressHost, egressReport, egressScript, visitScript } from './inside-script.js';
import { readReport, readVisit, visitInput } from './inside-visit.js';
import { knockOver } from './outside-knock.js';
import { getOver, Late, readStartup } from './startup-probe.js';

export type DoorParts = {
  /** A connection to a published port of a place, or `NotYet`. */
  readonly dial: (place: Place, port: number) => Promise<Duplex>;
  readonly engineAt: (place: Place) => DockerEngine;
  /** The cancellation of the activity that asks, if any. */
  readonly signal: () => AbortSignal | undefined;
};

type Headers = Readonly<Record<string, string>>;

/**
 * A gateway whose `trustedProxies` cover the address from which we come answers 403 to whoever names nobody for whom he comes (T14). So we
 * name somebody: an address that is nobody's (RFC 5737), which gives no rights.
 */
const asForwarded: Headers = { 'x-forwarded-for': '192.0.2.1' };

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
      return error instanceof NotYet ? 'deaf' : 'answers'; // Whatever else it says, somebody says it.
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

  async mintLink(inside: Inside, at: Address): Promise<{ url: Secret; expiresAt: string }> {
    const request = { command: dashboardCommand, input: '', timeoutMs: this.#limits.linkMs };
    return readLink(await this.#exec(inside, request), at.port);
  }

  async probeEgress(inside: Inside): Promise<string> {
    const command = ['node', '--input-type=module', '-e', egressScript];
    try {
      const { stdout } = await this.#exec(inside, { command, input: '', timeoutMs: 10_000 });
      const { ok, reason } = egressReport.parse(JSON.parse(stdout));
      return ok ? `reaches ${egressHost}:443` : `no egress: ${egressHost}:443 ${reason}`;
    } catch {
      return 'egress not known: the question could not be asked inside the container'; // A sentence for the record, never an error.
    }
  }

  #dial(at: Address): Promise<Duplex> {
    return this.#parts.dial(at.place, at.port);
  }

  async #exec(inside: Inside, request: ExecRequest): Promise<ExecResult> {
    const engine = this.#parts.engineAt(inside.place);
    const container = await engine.findContainer(inside.container);
    if (container?.state !== 'running') throw new NotYet(`container ${inside.container} does not run`);
    return engine.exec(container.id, request);
  }
}
