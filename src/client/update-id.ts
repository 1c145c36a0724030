import { createHash } from 'node:crypto';
import { canonical } from '../domain/gateway/spec.js';
import type { Request } from '../wire/requests.js';

/**
 * The id under which the server takes two updates for one. It says the content too: the same request id with another content
 * must reach the gateway, which refuses it, instead of being answered with the first one's answer.
 */
export function updateIdOf(request: Request): string {
  const content = createHash('sha256').update(canonical(request)).digest('hex').slice(0, 16);
  return `${request.requestId}-${content}`;
}
