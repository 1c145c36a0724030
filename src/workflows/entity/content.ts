import { canonical } from '../../domain/gateway/spec.js';
import type { Place } from '../../domain/hosts/place.js';
import type { Request } from '../../wire/requests.js';

/** What was asked for, without what each sender makes up or reads anew: a birth that is proposed, and the newest key. */
export function contentOf(request: Request): string {
  if (request.kind !== 'provision') return canonical({ ...request, place: unknownPlace, requestId: '', origin: '' });
  const { birth, keyId: _keyId, ...rest } = request;
  return canonical({ ...rest, ...(request.how === 'take up' && { birth }), requestId: '', origin: '' });
}

/** The place in a request that names none, as older clients wrote it. */
export const unknownPlace: Place = { provider: 'local', host: 'local' };
