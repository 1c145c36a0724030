/** An error as Lightsail answers it: its kind and its words, with a status that says little. */
export class LightsailError extends Error {
  readonly type: string;
  readonly status: number;

  constructor(type: string, message: string, status = 400) {
    super(message);
    this.type = type;
    this.status = status;
  }
}

export function invalid(message: string): LightsailError {
  return new LightsailError('InvalidInputException', message);
}

export function missing(kind: string, name: string): LightsailError {
  return new LightsailError('NotFoundException', `The ${kind} does not exist: ${name}`);
}

/** A time as it goes over the wire: seconds with a fraction. */
export function wireTime(ms: number): number {
  return ms / 1000;
}
