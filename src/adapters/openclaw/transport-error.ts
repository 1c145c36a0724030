import { NotYet } from '../../domain/errors.js';

const passing = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']);

/**
 * What a failed connection to a published port means. Docker accepts connections there long before the gateway listens,
 * and then resets them (T6): refused, reset and late are `NotYet`, any other error is returned as it is.
 */
export function readTransportError(error: Error, where: string): Error {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (!passing.has(code)) return error;
  return new NotYet(`${where} does not answer yet (${code})`, { cause: error });
}
