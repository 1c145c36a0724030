import { NotYet } from '../../domain/errors.js';
import { insidePort } from '../../domain/gateway/config.js';
import type { Secret } from '../../domain/secret.js';
import type { Answer, Call, InsideKnock } from '../../ports/gateway-door.js';
import {
  connectParams,
  firstId,
  readClose,
  readFrame,
  readHello,
  readRefusal,
  requestFrame,
  type Frame,
} from './protocol.js';
import { visitReport, type VisitInput, type VisitReport } from './inside-script.js';

/** The script leaves this long before the limit of its exec, so that it can still say what it saw. */
const marginMs = 2_000;

/** What the script reads on standard input, which is the only way the token travels. */
export function visitInput(token: Secret, calls: readonly Call[], limitMs: number): string {
  const as = { token, device: undefined, scopes: ['operator.admin'] };
  const input: VisitInput = {
    port: insidePort,
    limitMs: limitMs - marginMs,
    connect: requestFrame(firstId, 'connect', connectParams(as, undefined)),
    calls: calls.map(({ method, params }, index) => requestFrame(String(index + 2), method, params)),
  };
  return JSON.stringify(input);
}

/** The line that the script printed. Any other output is an `Error` that does not repeat it. */
export function readReport(stdout: string): VisitReport {
  const parsed = visitReport.safeParse(readLine(stdout));
  if (!parsed.success)
    throw new Error('the script inside the container printed no report: does its image carry node and ws in /app?');
  return parsed.data;
}

/** The result of a visit. A gateway that does not listen yet, or hung up before its answer, is `NotYet`. */
export function readVisit(report: VisitReport, calls: readonly Call[]): InsideKnock {
  const [first, ...later] = report.frames.map(readFrame);
  if (!first) return readNoWord(report);
  if (first.kind === 'refusal') return readRefusal(first.error);
  if (first.kind !== 'answer') throw new Error('the gateway answered a connect with something else');
  if (later.length < calls.length) {
    throw new Error(
      `the connection inside was lost before ${calls[later.length]?.method} was answered (${ending(report)})`,
    );
  }
  return { kind: 'open', hello: readHello(first.payload), answers: later.map(readAnswer) };
}

function readNoWord(report: VisitReport): InsideKnock {
  if (report.close !== undefined) return readClose(report.close, report.reason ?? '');
  throw new NotYet(`the gateway does not answer inside its container yet (${ending(report)})`);
}

function ending(report: VisitReport): string {
  return report.error ?? `close ${report.close ?? 'unknown'}`;
}

function readAnswer(frame: Frame): Answer {
  if (frame.kind === 'answer') return { ok: true, payload: frame.payload };
  if (frame.kind === 'refusal') return { ok: false, code: frame.error.code, message: frame.error.message };
  throw new Error('the gateway answered a request with something else');
}

function readLine(stdout: string): unknown {
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined; // The caller judges that.
  }
}
