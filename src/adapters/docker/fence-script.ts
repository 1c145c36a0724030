import { z } from 'zod';
import { knocks } from '../../domain/hosts/fence-trial.js';
import { fenceTrialMs, knockMs, knockTries } from '../../domain/thresholds.js';

/**
 * Listens at every address of its network, at the given port or at any, lets go of whoever comes, and says in one line
 * of JSON what it sees of that network. Ends by itself.
 */
export const listenScript = `
const fs = require('node:fs'), net = require('node:net'), os = require('node:os');
setTimeout(() => process.exit(), ${fenceTrialMs});
const bytes = (hex) => hex.match(/../g).reverse().map((each) => parseInt(each, 16)).join('.');
const routes = fs.readFileSync('/proc/net/route', 'utf8').split('\\n').slice(1).map((line) => line.split('\\t'));
const router = routes.find(([, to, by, , , , , mask]) => to === '00000000' && mask === '00000000' && by !== '00000000');
const addresses = Object.entries(os.networkInterfaces()).flatMap(([device, all]) =>
  all.filter(({ family }) => family === 'IPv4').map(({ address }) => ({ device, address })));
const server = net.createServer((socket) => { socket.on('error', () => {}); socket.destroy(); });
server.listen(Number(process.argv[1]), '0.0.0.0', () => console.log(JSON.stringify({
  addresses, port: server.address().port, ...(router && { router: bytes(router[2]) }),
  boot: fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), namespace: fs.readlinkSync('/proc/self/ns/net'),
})));`;

/** Knocks at every address and port that its input names, all at once, and says in one line of JSON what became of each. */
export const knockScript = `
const net = require('node:net');
const once = ({ address, port }) => new Promise((done) => {
  const socket = net.connect({ host: address, port });
  const end = (what) => { clearTimeout(late); socket.destroy(); done(what); };
  const late = setTimeout(() => end('silent'), ${knockMs});
  socket.on('connect', () => end('open'));
  socket.on('error', ({ code }) => end(code === 'ENETUNREACH' ? 'no route' : code === 'ETIMEDOUT' ? 'silent' : 'refused'));
});
const knock = async (target) => {
  let what = 'silent';
  for (let tries = 0; tries < ${knockTries} && what === 'silent'; tries += 1) what = await once(target);
  return what;
};
let input = '';
process.stdin.on('data', (chunk) => { input += chunk; });
process.stdin.on('end', async () => console.log(JSON.stringify(await Promise.all(JSON.parse(input).map(knock)))));`;

/** What a container that listens says. */
export const sightForm = z.object({
  addresses: z.array(z.object({ device: z.string(), address: z.string() })),
  port: z.number(),
  router: z.string().optional(),
  boot: z.string(),
  namespace: z.string(),
});

/** How an engine lists the containers of trials; `Created` in seconds. */
export const trialsForm = z.array(
  z.object({ Id: z.string(), Names: z.array(z.string()), State: z.string(), Created: z.number() }),
);

export const trialNetworksForm = z.array(
  z.object({ Id: z.string(), Name: z.string(), Created: z.iso.datetime({ offset: true }) }),
);

/** What became of each knock. */
export const knocksForm = z.array(z.enum(knocks));
