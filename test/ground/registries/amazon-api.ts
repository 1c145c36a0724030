import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** What was asked of it: the operation, the account's registries, and whose credentials signed it, for which region. */
export type AskedOfAmazon = { readonly target: string; readonly body: unknown; readonly signedBy: string };

/** Amazon's ECR on loopback, in its own protocol (JSON 1.1): it gives a password, or an error of a kind. */
export class AmazonApi {
  answer: { readonly password: string } | { readonly error: string; readonly status: number } = { password: 'once' };
  readonly asked: AskedOfAmazon[] = [];
  readonly #server = http.createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => (text += String(chunk)));
    request.on('end', () => {
      const signedBy = /Credential=([^,]+)/.exec(request.headers.authorization ?? '')?.[1] ?? 'nobody';
      this.asked.push({ target: String(request.headers['x-amz-target']), body: JSON.parse(text), signedBy });
      const [status, body] = this.#say();
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
    });
  });

  static async open(): Promise<AmazonApi> {
    const api = new AmazonApi();
    await new Promise<void>((resolve) => api.#server.listen(0, '127.0.0.1', resolve));
    return api;
  }

  /** What a shell has set so that the AWS SDK asks this one, by credentials that are somebody's, and no other. */
  get environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL_ECR: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`,
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'example-secret',
      AWS_EC2_METADATA_DISABLED: 'true',
    };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #say(): [number, unknown] {
    if ('error' in this.answer) return [this.answer.status, { __type: this.answer.error, message: 'no' }];
    const authorizationToken = Buffer.from(`AWS:${this.answer.password}`).toString('base64');
    const expiresAt = Date.now() / 1000 + 43_200;
    return [200, { authorizationData: [{ authorizationToken, expiresAt, proxyEndpoint: 'https://example.invalid' }] }];
  }
}
