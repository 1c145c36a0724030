import { connect, type Socket } from 'node:net';
import { NotYet } from '../../domain/errors.js';
import type { Place } from '../../domain/hosts/place.js';

const limitMs = 5_000;

/**
 * A connection to a port that is published on this machine's loopback. Refused, or not there within 5 s, is `NotYet`.
 */
export function localDial(_place: Place, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    const late = setTimeout(() => socket.destroy(new Error(`no connection in ${limitMs} ms`)), limitMs);
    const fail = (error: Error) => {
      clearTimeout(late);
      reject(new NotYet(`nothing answers on 127.0.0.1:${port} yet (${error.message})`, { cause: error }));
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(late);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}
