import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

/** A proxy as a host has one: it is asked for whole addresses, or to connect, and notes whom it was asked for. */
export class HttpProxy {
  readonly asked: string[] = [];
  readonly #server = http.createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://nowhere.invalid');
    this.asked.push(url.host);
    const onward = http.request(url, { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.once('error', () => response.writeHead(502).end());
    request.pipe(onward);
  });

  /** Listens on every address, and tells its port. */
  async open(): Promise<number> {
    this.#server.on('connect', (request, client, head) => {
      const target = request.url ?? '';
      this.asked.push(target);
      const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(target) ?? [];
      const onward = net.connect(Number(port), host.replaceAll(/[[\]]/g, ''), () => {
        client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        onward.write(head);
        onward.pipe(client);
        client.pipe(onward);
      });
      onward.once('error', () => client.destroy());
      client.once('error', () => onward.destroy());
    });
    this.#server.listen(0);
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('a proxy has a port');
    return address.port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
