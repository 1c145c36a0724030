import { request as httpRequest } from 'node:http';

/** A Docker engine behind a local socket: the few calls that bootstrap needs, in the newest API version that the engine speaks. */
export class Engine {
  constructor(socketPath) {
    this.socketPath = socketPath;
    this.endpoint = `unix://${socketPath}`;
  }

  /** Asks and answers { status, headers, body }, the body parsed where it is JSON. */
  async ask(method, path, { timeoutMs = 20_000, json } = {}) {
    const response = await this.open(method, path, {
      timeoutMs,
      body: json && JSON.stringify(json),
      type: json && 'application/json',
    });
    const text = await readAll(response);
    return { status: response.statusCode, headers: response.headers, body: parsed(text) };
  }

  /** Sends a body (a string, or a stream) and answers the response once its head is here; `timeoutMs` is silence, not duration. */
  open(method, path, { timeoutMs, body, type, signal } = {}) {
    return new Promise((resolve, reject) => {
      const headers = type ? { 'content-type': type } : {};
      const call = httpRequest({
        agent: false,
        socketPath: this.socketPath,
        method,
        path,
        headers,
        timeout: timeoutMs,
        signal,
      });
      call.on('timeout', () =>
        call.destroy(Object.assign(new Error('the engine does not answer'), { code: 'ETIMEDOUT' })),
      );
      call.on('error', reject);
      call.on('response', resolve);
      if (body && typeof body !== 'string') body.on('error', (error) => call.destroy(error)).pipe(call);
      else call.end(body);
    });
  }

  /** Follows a stream of JSON lines to its end; an error inside it is an error. Answers all of its messages. */
  async follow(method, path, { onMessage = () => {}, ...options } = {}) {
    const response = await this.open(method, path, options);
    if (response.statusCode !== 200) throw new Error(messageOf(await readAll(response)));
    const messages = [];
    for await (const message of jsonLines(response)) {
      onMessage(message);
      const error = message.errorDetail?.message ?? message.error;
      if (error) throw new Error(error);
      messages.push(message);
    }
    return messages;
  }
}

async function* jsonLines(response) {
  let rest = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) if (line.trim()) yield JSON.parse(line);
  }
  if (rest.trim()) yield JSON.parse(rest);
}

async function readAll(response) {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += chunk;
  return text;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function messageOf(text) {
  return parsed(text).message ?? text;
}
