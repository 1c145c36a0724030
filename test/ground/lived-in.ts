import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { z } from 'zod';
import { DockerodeEngine } from '../../src/adapters/docker/engine.js';
import { OpenclawDoor } from '../../src/adapters/openclaw/door.js';
import { localDial } from '../../src/adapters/hosts/local-dial.js';
import { Secret } from '../../src/domain/secret.js';
import { foundSocket } from './found.js';
import { configFile, stateDirectory } from '../../src/domain/gateway/config.js';
import { OwnDevice, phone, rolesOfPhone } from './own-device.js';

/** What an owner has filed away when nobody says how much. */
const aHandful = { files: 2_000, bytesEach: 5_000 } as const;

type Belongings = { readonly files: number; readonly bytesEach: number };

/** The owner's proxy, which has an address of its own on the gateway's network. */
const proxy = '10.231.77.20';
const origin = 'https://bot.customer.example';
const secondBot = `555555555:${'C'.repeat(35)}`;
const seamColor = '#445566';
const archive = `${stateDirectory}/workspace/archive`;

/** What onboarding leaves in a config, by release, with what an owner adds by hand. */
const onboarded: Readonly<Record<string, object>> = {
  '2026.6.11': {
    agents: {
      list: [{ id: 'main', default: true }, { id: 'helper' }],
      defaults: { models: { 'anthropic/claude-opus-4-6': {} }, memorySearch: { enabled: true } },
    },
    gateway: { tailscale: { mode: 'off', resetOnExit: false }, nodes: { denyCommands: ['camera.snap'] } },
    plugins: { entries: { telegram: { enabled: true } } },
  },
  '2026.9.6': {
    agents: {
      entries: {
        main: {
          name: 'main',
          workspace: `${stateDirectory}/workspace`,
          agentDir: `${stateDirectory}/agents/main/agent`,
          identity: { name: 'main' },
        },
      },
    },
    gateway: { tailscale: { mode: 'off' } },
    tools: { profile: 'full' },
    skills: { install: { nodeManager: 'npm' } },
    hooks: { internal: { entries: { 'session-memory': { enabled: true } } } },
    wizard: { lastRunAt: '2026-11-01T10:00:00.000Z', lastRunCommand: 'onboard', lastRunMode: 'local' },
  },
};

/** The second account is off: a bot that cannot reach its service holds up every stop. */
const ownSettings = {
  gateway: { trustedProxies: [proxy], controlUi: { allowedOrigins: [origin] } },
  channels: { telegram: { enabled: false, accounts: { second: { enabled: false, botToken: secondBot } } } },
};

const settings = z.object({
  ui: z.object({ seamColor: z.string() }),
  gateway: z.object({
    trustedProxies: z.array(z.string()),
    controlUi: z.object({ allowedOrigins: z.array(z.string()) }),
  }),
  channels: z.object({
    telegram: z.object({ accounts: z.object({ second: z.object({ botToken: z.string() }) }) }),
  }),
});

/** What must be there after every change: the owner's own settings, his files, and his phone in both of its roles. */
export type Traces = {
  readonly settings: z.infer<typeof settings>;
  readonly files: string;
  readonly phone: readonly string[];
};

/**
 * Somebody who lives in a gateway: saves settings in it, was onboarded, has a second bot, a proxy and a phone with two roles, files
 * things away and touches some of them as root. He knows its container, its port and its token.
 */
export class Owner {
  readonly #box: string;
  readonly #port: number;
  readonly #phone = new OwnDevice(phone);

  constructor(box: string, port: number) {
    this.#box = box;
    this.#port = port;
  }

  /** The device id of the phone. */
  get phoneId(): string {
    return this.#phone.id;
  }

  /** Lives in the gateway until everything is there that `traces` reads. It is stopped and started once. */
  async moveIn(release: string, token: string, belongings: Belongings = aHandful): Promise<Traces> {
    await this.inside('openclaw', 'config', 'set', 'ui.seamColor', seamColor);
    await this.pairPhone(token);
    await execa('docker', ['stop', '-t', '30', this.#box]);
    await this.#merge({ ...onboarded[release] });
    await this.#merge(ownSettings);
    await this.#file(belongings);
    await this.#touchAsRoot();
    await execa('docker', ['start', this.#box]);
    await this.serving();
    return this.traces(token);
  }

  /** Everything that a change must leave alone. */
  async traces(token: string): Promise<Traces> {
    const text = await this.inside('cat', `${stateDirectory}/${configFile}`);
    const read = settings.parse(JSON.parse(text));
    const { allowedOrigins } = read.gateway.controlUi;
    const own = { controlUi: { allowedOrigins: allowedOrigins.filter((each) => each === origin) } };
    return {
      settings: { ...read, gateway: { ...read.gateway, ...own } },
      files: await this.#digest(),
      phone: await this.#rolesOfPhone(token),
    };
  }

  /** The phone asks for one role after the other, as the app does, and its owner approves both inside. */
  async pairPhone(token: string): Promise<OwnDevice> {
    for (const [role, scopes] of rolesOfPhone) {
      const came = await this.#phone.connect(this.#port, token, scopes, role);
      if (came.in) {
        came.hangUp();
        continue;
      }
      if (came.requestId === undefined) throw new Error(`the phone was refused as ${role}: ${came.code}`);
      await this.approve(came.requestId, token);
    }
    return this.#phone;
  }

  /** Approves inside, as the only one who may there: the command line of an older release asks for more scopes the second time. */
  async approve(requestId: string, token: string): Promise<void> {
    const engine = new DockerodeEngine({ socketPath: foundSocket(), signal: () => undefined });
    const door = new OpenclawDoor({ dial: localDial, engineAt: () => engine, signal: () => undefined });
    const inside = {
      place: { provider: 'local', host: 'local' },
      container: this.#box,
      token: new Secret(token),
    } as const;
    const knock = await door.callInside(inside, [{ method: 'device.pair.approve', params: { requestId } }]);
    if (knock.kind !== 'open' || !knock.answers[0]?.ok)
      throw new Error(`the phone was not approved: ${JSON.stringify(knock)}`);
  }

  /** Splits the config as its documentation shows: `gateway` and `agents` lie in files of their own, which the main one includes. */
  async splitConfig(): Promise<void> {
    await this.#onConfig(`
      fs.mkdirSync(dir + 'config', { recursive: true, mode: 0o700 });
      for (const part of ['gateway', 'agents']) {
        if (!all[part]) continue;
        fs.writeFileSync(dir + 'config/' + part + '.json5', JSON.stringify(all[part], null, 2), { mode: 0o600 });
        all[part] = { $include: './config/' + part + '.json5' };
      }`);
  }

  /** Merges a fragment into the config of the gateway while it runs or does not, by a rename, as its user. */
  async put(fragment: object): Promise<void> {
    await this.#merge(fragment);
  }

  /** Gives one key of `gateway` another value, lists included. */
  async replace(key: string, value: unknown): Promise<void> {
    await this.#onConfig(`all.gateway[${JSON.stringify(key)}] = ${JSON.stringify(value)};`);
  }

  /** Puts a whole config in the place of what is there. */
  async putWhole(text: string): Promise<void> {
    await this.#onConfig(`all = ${text};`);
  }

  /** Mends the config as people do: out of the container, and back in, which hands it to root. */
  async copyConfigOutAndBack(): Promise<void> {
    const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'creel-owner-'));
    try {
      await execa('docker', ['cp', `${this.#box}:${stateDirectory}/${configFile}`, scratch]);
      await execa('docker', ['cp', path.join(scratch, configFile), `${this.#box}:${stateDirectory}/${configFile}`]);
    } finally {
      fs.rmSync(scratch, { recursive: true, force: true });
    }
  }

  /** Waits until the gateway says by its own word that it has started. */
  async serving(limitMs = 180_000): Promise<void> {
    const deadline = Date.now() + limitMs;
    while (!(await this.#says('/startupz', 'status', 'started')) && !(await this.#says('/readyz', 'ready', true))) {
      if (Date.now() > deadline) throw new Error(`${this.#box} does not serve after ${limitMs} ms`);
      await sleep(500);
    }
  }

  /** Runs a command in the container as the gateway's user. */
  async inside(...command: string[]): Promise<string> {
    return (await execa('docker', ['exec', this.#box, ...command])).stdout;
  }

  async #says(where: string, key: string, value: unknown): Promise<boolean> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.#port}${where}`, { signal: AbortSignal.timeout(2_000) });
      const body: unknown = await answer.json();
      return z.record(z.string(), z.unknown()).parse(body)[key] === value;
    } catch {
      return false; // It does not listen yet, or answers with a page.
    }
  }

  /** In which of its roles the phone is let in. */
  async #rolesOfPhone(token: string): Promise<string[]> {
    const letIn: string[] = [];
    for (const [role, scopes] of rolesOfPhone) {
      const came = await this.#phone.connect(this.#port, token, scopes, role);
      if (!came.in) continue;
      letIn.push(role);
      came.hangUp();
    }
    return letIn;
  }

  #merge(fragment: object): Promise<void> {
    return this.#onConfig(`all = merge(all, ${JSON.stringify(fragment)});`);
  }

  /** Changes the config by a script over `all`. */
  async #onConfig(change: string): Promise<void> {
    await this.#onState(
      '1000:1000',
      `
      const dir = '${stateDirectory}/', file = dir + '${configFile}';
      const plain = (v) => v && typeof v === 'object' && !Array.isArray(v);
      const merge = (a, b) => {
        if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b.filter((each) => !a.includes(each))];
        if (!plain(a) || !plain(b)) return b;
        return Object.fromEntries([...new Set([...Object.keys(a), ...Object.keys(b)])].map((k) => [k, k in b ? merge(a[k], b[k]) : a[k]]));
      };
      let all = JSON.parse(fs.readFileSync(file, 'utf8'));
      ${change}
      fs.writeFileSync(file + '.put', JSON.stringify(all, null, 2), { mode: 0o600 });
      fs.renameSync(file + '.put', file);`,
    );
  }

  async #file({ files, bytesEach }: Belongings): Promise<void> {
    await this.#onState(
      '1000:1000',
      `
      const filler = require('crypto').randomBytes(${bytesEach});
      for (let n = 0; n < ${files}; n += 1) {
        const dir = '${archive}/' + (n >> 9);
        if ((n & 511) === 0) fs.mkdirSync(dir, { recursive: true });
        filler.writeUInt32LE(n, 0);
        fs.writeFileSync(dir + '/' + n, filler);
      }`,
    );
  }

  async #touchAsRoot(): Promise<void> {
    await this.#onState(
      '0:0',
      `
      fs.mkdirSync('${archive}/by-root', { recursive: true, mode: 0o755 });
      fs.writeFileSync('${archive}/by-root/notes.txt', 'written by root', { mode: 0o644 });
      fs.symlinkSync('notes.txt', '${archive}/by-root/link');`,
    );
  }

  /** Runs a script over the state, in a container of its own, as a user of the owner's choice. */
  async #onState(user: string, script: string): Promise<void> {
    const { stdout } = await execa('docker', ['inspect', '-f', '{{.Image}}', this.#box]);
    const args = ['run', '--rm', '-i', '--network', 'none', '--user', user, '--volumes-from', this.#box, stdout];
    await execa('docker', [...args, 'node', '-e', `const fs = require('fs');${script}`]);
  }

  /** Names, owners, modes, times and content of what was filed away. */
  async #digest(): Promise<string> {
    const listed = await this.inside(
      'sh',
      '-c',
      `cd ${archive} && { find . -printf '%p %m %U %G %T@ %s %l\\n' | LC_ALL=C sort; find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum; }`,
    );
    return `${listed.split('\n').length} lines, ${createHash('sha256').update(listed).digest('hex')}`;
  }
}
