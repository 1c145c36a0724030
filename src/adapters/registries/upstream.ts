import { z } from 'zod';
import type { RegistryLogin } from '../docker/call.js';

/** Who has yet to be let in is told by whom: `Bearer realm="…",service="…",scope="…"`, or `Basic`. */
const challengeForm = /^(bearer|basic)\s*(.*)$/i;

const tokenForm = z.union([
  z.object({ token: z.string() }).transform(({ token }) => token),
  z.object({ access_token: z.string() }).transform(({ access_token: token }) => token),
]);

/** How long a registry may take to begin its answer. */
const answerMs = 60_000;

/** One repository of a registry, as this process reaches and is known to it; it is only read. */
export class Upstream {
  readonly #base: string;
  readonly #repository: string;
  readonly #login: RegistryLogin | undefined;
  #authorization: string | undefined;

  constructor(base: string, repository: string, login: RegistryLogin | undefined) {
    this.#base = base;
    this.#repository = repository;
    this.#login = login;
  }

  /** Asks for a manifest or a blob, and shows who asks where the registry wants to know. Redirects are followed. */
  async ask(
    method: 'GET' | 'HEAD',
    what: string,
    headers: Readonly<Record<string, string>>,
    over: AbortSignal,
  ): Promise<Response> {
    const url = `${this.#base}/v2/${this.#repository}/${what}`;
    const send = () =>
      fetch(url, {
        method,
        signal: over,
        headers: {
          ...headers,
          'accept-encoding': 'identity',
          ...(this.#authorization !== undefined && { authorization: this.#authorization }),
        },
      });
    const answer = await send();
    if (answer.status !== 401) return answer;
    const shown = await this.#introduce(answer.headers.get('www-authenticate') ?? '', over);
    if (shown === undefined) return answer;
    await answer.body?.cancel();
    this.#authorization = shown;
    return send();
  }

  /** What is shown to a registry that asks so; undefined where there is nothing. */
  async #introduce(challenge: string, over: AbortSignal): Promise<string | undefined> {
    const [, scheme = '', rest = ''] = challengeForm.exec(challenge.trim()) ?? [];
    if (scheme.toLowerCase() === 'basic') return this.#login && basic(this.#login);
    const said = new Map([...rest.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));
    const realm = said.get('realm');
    return realm === undefined ? undefined : this.#token(realm, said, over);
  }

  async #token(realm: string, said: ReadonlyMap<string, string>, over: AbortSignal): Promise<string | undefined> {
    const asked = new URLSearchParams({
      service: said.get('service') ?? '',
      scope: said.get('scope') ?? `repository:${this.#repository}:pull`,
    });
    const signal = AbortSignal.any([over, AbortSignal.timeout(answerMs)]);
    const login = this.#login;
    if (login && 'identitytoken' in login) {
      const form = { grant_type: 'refresh_token', client_id: 'creel', refresh_token: login.identitytoken };
      const body = new URLSearchParams([...asked, ...Object.entries(form)]);
      return bearer(await fetch(realm, { method: 'POST', body, signal }));
    }
    const authorization = login && basic(login);
    const headers = authorization === undefined ? {} : { authorization };
    return bearer(await fetch(`${realm}?${asked.toString()}`, { headers, signal }));
  }
}

function basic(login: RegistryLogin): string | undefined {
  if ('identitytoken' in login) return undefined;
  return `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
}

async function bearer(answer: Response): Promise<string | undefined> {
  const { data } = tokenForm.safeParse(await answer.json().catch(() => undefined));
  return answer.ok && data !== undefined ? `Bearer ${data}` : undefined;
}
