import { createHash } from 'node:crypto';
import { canonical } from '../domain/gateway/spec.js';
import type { Request } from '../wire/requests.js';

/**
 * The id by which the server recognises a repeated update. It covers the content, too: the same request id with other
 * content must reach the gateway, which refuses it, and not be given the first one's answer.
 */
export function updateIdOf(request: Request): string {
  const content = createHash('sha256').update(canonical(request)).digest('hex').slice(0, 16);
  return `${request.requestId}-${content}`;
}
