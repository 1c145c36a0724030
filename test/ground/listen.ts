import net from 'node:net';

/** Listens on a port until the answer is called. */
export async function listen(port: number, address: string): Promise<() => Promise<void>> {
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, address, resolve);
  });
  return () => new Promise((resolve) => server.close(() => resolve()));
}
