import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';

/** Where a gateway's plugins look for their services. */
const aliases = ['discord.com', 'gateway.discord.gg', 'slack.com', 'wss-primary.slack.com'];

/** What the services let in; any other token of the right form is refused. */
export const goodTokens = {
  discord: `MTIzNDU2Nzg5MDEyMzQ1Njc4.GoodOk.${'a'.repeat(38)}`,
  slackBot: 'xoxb-1234567890-good',
  slackApp: 'xapp-1-A0123456789-good',
};

/** Discord and Slack as far as a bot needs them to connect, in a container on a gateway's own network, which takes it for them. */
export class ChatServices {
  readonly authority: string;
  readonly #directory: string;
  readonly #name: string;

  /** Makes an authority of its own in a directory, which no gateway believes unless it is told to. */
  constructor(directory: string, name: string) {
    this.#directory = directory;
    this.#name = name;
    this.authority = path.join(directory, 'authority.pem');
    const at = (file: string) => path.join(directory, file);
    const make = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
    const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    make('req', '-x509', ...ec, '-subj', '/CN=Test authority', '-keyout', at('ca.key'), '-out', this.authority);
    make('req', ...ec, '-subj', '/CN=chat', '-keyout', at('chat.key'), '-out', at('chat.csr'));
    fs.writeFileSync(at('names'), `subjectAltName=${aliases.map((each) => `DNS:${each}`).join(',')}`);
    const by = ['-CA', this.authority, '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2'];
    make('x509', '-req', '-in', at('chat.csr'), ...by, '-extfile', at('names'), '-out', at('chat.pem'));
  }

  /** Takes the names of the services on a network; nobody answers there until `listen`. */
  async open(network: string, image: string): Promise<void> {
    const read = (file: string) => fs.readFileSync(path.join(this.#directory, file), 'utf8');
    const env = { CERT: read('chat.pem'), KEY: read('chat.key'), GOOD: JSON.stringify(goodTokens) };
    const given = Object.keys(env).flatMap((name) => ['--env', name]);
    const called = aliases.flatMap((each) => ['--network-alias', each]);
    const run = ['run', '--detach', '--init', '--user', '0', '--name', this.#name, '--network', network];
    await execa('docker', [...run, ...called, ...given, image, 'node', '-e', services], { env });
  }

  async listen(): Promise<void> {
    await execa('docker', ['exec', this.#name, 'touch', '/tmp/open']);
  }

  async close(): Promise<void> {
    await execa('docker', ['rm', '--force', this.#name], { reject: false });
  }
}

/** The wire of both services: Discord's REST and gateway (version 10), Slack's web API and socket mode. */
const services = String.raw`
const { createServer } = require('node:https');
const { existsSync } = require('node:fs');
const { WebSocketServer } = require('/opt/openclaw-plugin-deps/discord/node_modules/ws');
const good = JSON.parse(process.env.GOOD);
const bot = { id: '123456789012345678', username: 'creel', discriminator: '0', bot: true, global_name: null, avatar: null };
const application = { id: '123456789012345678', name: 'creel', flags: 565248, bot_public: false, team: null };
const limit = { total: 1000, remaining: 999, reset_after: 14400000, max_concurrency: 1 };

function discord(request) {
  if (request.headers.authorization !== 'Bot ' + good.discord) return [401, { message: '401: Unauthorized', code: 0 }];
  if (request.url.includes('/users/@me')) return [200, bot];
  if (request.url.includes('/gateway')) return [200, { url: 'wss://gateway.discord.gg', shards: 1, session_start_limit: limit }];
  if (request.url.includes('/commands')) return [200, request.method === 'GET' ? [] : request.method === 'PUT' ? [] : { id: '1', name: 'x' }];
  return [200, application];
}

function slack(request, body) {
  const token = (request.headers.authorization ?? '').replace('Bearer ', '') || new URLSearchParams(body).get('token');
  if (![good.slackBot, good.slackApp].includes(token)) return [200, { ok: false, error: 'invalid_auth' }];
  const method = request.url.split('?')[0].split('/').pop();
  if (method === 'apps.connections.open') return [200, { ok: true, url: 'wss://wss-primary.slack.com/link/?ticket=1' }];
  if (method === 'auth.test') return [200, { ok: true, url: 'https://t.slack.com/', team: 'T', user: 'creel', team_id: 'T1', user_id: 'U0BOT0000', bot_id: 'B1' }];
  return [200, { ok: true, user: { id: 'U0BOT0000' }, bot: { id: 'B1', app_id: 'A0123456789' }, channels: [], members: [] }];
}

const server = createServer({ cert: process.env.CERT, key: process.env.KEY }, (request, response) => {
  let body = '';
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () => {
    const [status, answer] = request.headers.host.includes('slack') ? slack(request, body) : discord(request);
    console.log(request.method, request.headers.host, request.url, status, answer.error ?? '');
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
});
new WebSocketServer({ server }).on('connection', (socket, request) => {
  console.log('connected', request.headers.host, request.url);
  const say = (message) => socket.send(JSON.stringify(message));
  if (request.headers.host.includes('slack'))
    return say({ type: 'hello', num_connections: 1, connection_info: { app_id: 'A0123456789' }, debug_info: { host: 'h', approximate_connection_time: 3600 } });
  say({ op: 10, d: { heartbeat_interval: 41250, _trace: [] }, s: null, t: null });
  socket.on('message', (data) => {
    const { op, d } = JSON.parse(data);
    if (op === 1) say({ op: 11, d: null });
    if (op !== 2) return;
    if (d.token.replace('Bot ', '') !== good.discord) return socket.close(4004, 'Authentication failed.');
    const ready = { v: 10, user: bot, guilds: [], session_id: 's', session_type: 'normal', application, resume_gateway_url: 'wss://gateway.discord.gg' };
    say({ op: 0, s: 1, t: 'READY', d: ready });
  });
});
const waiting = setInterval(() => {
  if (!existsSync('/tmp/open')) return;
  clearInterval(waiting);
  server.listen(443, () => console.log('listening'));
}, 200);
`;
