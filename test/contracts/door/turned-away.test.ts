import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Unreachable } from '../../../src/client/failure.js';
import { connect } from '../../../src/client/connect.js';
import { openLog } from '../../../src/worker/log.js';
import { connectPatiently } from '../../../src/worker/patient-connect.js';

let server: http2.Http2Server | undefined;
afterEach(() => server?.close());

/** A gRPC server that answers every call with this status. */
async function answering(status: number, message: string): Promise<string> {
  const open = http2.createServer();
  server = open;
  open.on('stream', (stream) => {
    const trailers = { 'grpc-status': String(status), 'grpc-message': encodeURIComponent(message) };
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...trailers }, { endStream: true });
  });
  await new Promise<void>((resolve) => {
    open.listen(0, '127.0.0.1', resolve);
  });
  return `127.0.0.1:${(open.address() as AddressInfo).port}`;
}

const cases = [
  [16, 'invalid API key'],
  [7, 'Request unauthorized'],
] as const;

test.each(cases)('a client that Temporal turns away (%i) says so, not that nobody answers', async (status, message) => {
  const address = await answering(status, message);
  const error: unknown = await connect({ address }, {}).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Unreachable);
  expect(error).toMatchObject({
    message: expect.stringMatching(new RegExp(`${address} .*does not let us in: ${message}.*TEMPORAL_API_KEY`)),
  });
});

test.each(cases)('a worker that Temporal turns away (%i) ends instead of waiting', async (status, message) => {
  const address = await answering(status, message);
  const connecting = connectPatiently({ address }, openLog('error'), AbortSignal.timeout(10_000));
  await expect(connecting).rejects.toMatchObject({
    name: 'Refused',
    message: expect.stringMatching(
      new RegExp(`${address} .*does not let this worker in.*${message}.*TEMPORAL_API_KEY`),
    ),
  });
});
