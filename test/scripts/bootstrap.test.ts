import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Checkout, ended } from './checkout.js';

let checkout: Checkout;
const servers: Server[] = [];
beforeEach(() => {
  checkout = new Checkout();
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  checkout.remove();
});

const bootstrap = (options: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  checkout.run(['scripts/bootstrap', ...options], env);

/** A PATH with nothing on it but what the checkout puts there, and the little that the first lines of bootstrap take. */
function barePath(): { PATH: string } {
  checkout.program('none', '');
  for (const [name, target] of [
    ['node', process.execPath],
    ['sh', '/bin/sh'],
    ['dirname', '/usr/bin/dirname'],
  ] as const)
    fs.symlinkSync(target, checkout.at('bin', name));
  return { PATH: checkout.at('bin') };
}

const temporal = (server: string) =>
  checkout.program('temporal', `#!/bin/sh\necho "temporal version 1.9.1 (Server ${server}, UI 2.50.0)"\n`);

type About = {
  readonly components?: string;
  readonly info?: Record<string, unknown>;
  readonly images?: readonly unknown[];
};

/** What answers like an engine on a socket of the checkout; its endpoint. */
async function engine({ components = 'Engine', info = {}, images = [] }: About = {}): Promise<string> {
  const limits = { MemoryLimit: true, CpuCfsQuota: true, PidsLimit: true };
  const fine = { Architecture: 'x86_64', MemTotal: 2 ** 33, DockerRootDir: checkout.root, OSType: 'linux', ...limits };
  const answers: Record<string, unknown> = {
    '/_ping': 'OK',
    '/version': { Version: '27.0.0', Components: [{ Name: components }] },
    '/info': { ...fine, ...info },
  };
  const server = createServer((request, response) =>
    response.end(JSON.stringify(answers[request.url ?? ''] ?? images)),
  );
  servers.push(server);
  const socket = checkout.at('engine.sock');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return `unix://${socket}`;
}

const findEngine = (env: NodeJS.ProcessEnv) =>
  checkout.ask(
    `import { findEngine } from './scripts/machine/find-engine.mjs';
     const { engine, about, refused, absent } = await findEngine();
     console.log(JSON.stringify({ engine: engine?.endpoint, about, refused, absent }));`,
    env,
  );

/** Writes a context of the docker command line and makes it the current one. */
function context(name: string, host: string): void {
  const directory = createHash('sha256').update(name).digest('hex');
  const meta = JSON.stringify({ Endpoints: { docker: { Host: host } } });
  checkout.write(`home/.docker/contexts/meta/${directory}/meta.json`, meta);
  checkout.write('home/.docker/config.json', JSON.stringify({ currentContext: name }));
}

describe('the options of bootstrap', () => {
  it('are told by --help, which does nothing', async () => {
    const { code, said } = await bootstrap(['--help']);
    expect({ code, said }).toMatchObject({
      code: 0,
      said: expect.stringMatching(/^Usage: scripts\/bootstrap.*--no-engine/s),
    });
    expect(fs.readdirSync(checkout.home)).toEqual([]);
  });

  it.each([
    [['--no-browser'], 'unknown option --no-browser: scripts/bootstrap --help'],
    [['--release', '1.0'], '--release 1.0: not in image/releases.json'],
    [['--release'], '--release : not in image/releases.json'],
  ])('are refused in one sentence and do nothing: %s', async (options, sentence) => {
    const { code, complained } = await bootstrap(options);
    expect({ code, complained }).toMatchObject({
      code: 1,
      complained: expect.stringContaining(`bootstrap: ${sentence}`),
    });
    expect(complained.trimEnd().split('\n')).toHaveLength(1);
    expect(fs.readdirSync(checkout.home)).toEqual([]);
  });
});

describe('bootstrap where all is there', () => {
  it('says nothing, and notes what it found for the rest', async () => {
    temporal('1.31.0');
    const docker = await engine();
    const { code, said, complained } = await bootstrap(['--no-image'], { DOCKER_HOST: docker });
    expect({ code, said, complained }).toEqual({ code: 0, said: '', complained: '' });
    expect(JSON.parse(fs.readFileSync(`${checkout.cache}/found.json`, 'utf8'))).toMatchObject({
      temporal: checkout.at('bin/temporal'),
      docker,
      startedEngine: false,
    });
    expect(fs.statSync(checkout.cache).mode & 0o777).toBe(0o700);
  });

  it('says of a release that was asked for by name how creel is told of it, unless it is to be quiet', async () => {
    temporal('1.31.0');
    const images = await checkout.ask(
      `import { Recipe, knownReleases } from './scripts/machine/recipe.mjs';
       const images = knownReleases().map((release) => {
         const recipe = new Recipe(release);
         return { Id: release, RepoTags: [recipe.tag], Labels: { 'creel.recipe': recipe.hashes('x64')[0] } };
       });
       console.log(JSON.stringify(images));`,
    );
    const docker = await engine({ images: images as unknown[] });
    const asked = ['--release', '2026.9.6'];
    expect(await bootstrap(asked, { DOCKER_HOST: docker })).toEqual({
      code: 0,
      said: '',
      complained:
        'creel/openclaw:2026.9.6 is on the engine. Once a worker runs: creel release add 2026.9.6 --image creel/openclaw:2026.9.6 --dev\n',
    });
    expect(await bootstrap([...asked, '--quiet'], { DOCKER_HOST: docker })).toMatchObject({ code: 0, complained: '' });
    expect(await bootstrap([], { DOCKER_HOST: docker })).toMatchObject({ code: 0, complained: '' });
  });

  it('takes no XDG directory that is relative, as the rest of creel', async () => {
    temporal('1.31.0');
    const relative = { XDG_CACHE_HOME: 'cache', XDG_STATE_HOME: './state', XDG_DATA_HOME: 'data' };
    expect(await bootstrap(['--no-engine'], relative)).toMatchObject({ code: 0 });
    expect(fs.existsSync(`${checkout.cache}/found.json`)).toBe(true);
    for (const name of ['cache', 'state', 'data']) expect(fs.existsSync(checkout.at(name))).toBe(false);
  });
});

describe('what stands in the way', () => {
  it('is asked first and told all at once, and nothing is begun', async () => {
    temporal('1.28.0');
    checkout.program('curl', '#!/bin/sh\nprintf 000\n');
    checkout.program('npm', `#!/bin/sh\necho "$1" >> ${checkout.at('npm-calls')}\n[ "$1" = --version ]\n`);
    checkout.write('package-lock.json', '{"packages": {"node_modules/x": {"version": "1.0.0"}}}');
    const { code, complained } = await bootstrap([], { ...barePath(), DOCKER_HOST: 'ssh://root@far' });
    expect(code).toBe(1);
    expect(complained.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^bootstrap: DOCKER_HOST names ssh:\/\/root@far, an engine on another machine/),
      expect.stringMatching(/^bootstrap: the npm registry does not answer/),
      expect.stringMatching(/^bootstrap: a temporal binary is missing, and neither github.com nor the Go module proxy/),
    ]);
    expect(fs.readFileSync(checkout.at('npm-calls'), 'utf8')).toBe('--version\nview\n');
    expect(fs.existsSync(`${checkout.cache}/bootstrap.lock`)).toBe(false);
  });

  it('may be openssl, where the tests are to be run', async () => {
    const bare = barePath();
    const { code, complained } = await bootstrap(['--openssl', '--no-temporal', '--no-engine'], bare);
    expect(code).toBe(1);
    expect(complained).toContain('bootstrap: the tests make certificates with openssl, which is not on PATH: sudo apt');
    expect((await bootstrap(['--no-temporal', '--no-engine'], bare)).complained).not.toContain('openssl');
  });

  it('may be memory and disk, in figures', async () => {
    const problems = await checkout.ask(
      `import { preflight } from './scripts/machine/preflight.mjs';
       const recipes = Array.from({ length: 100_000 }, (_, index) => ({ release: String(index) }));
       const docker = { about: { memory: 2 * 2 ** 30, dir: ${JSON.stringify(checkout.root)} } };
       const { problems } = await preflight({ recipes }, { docker });
       console.log(JSON.stringify(problems));`,
      { PATH: `${checkout.at('bin')}:/usr/bin:/bin`, NPM_CONFIG_OFFLINE: 'true' },
    );
    expect(problems).toContain(
      'the Docker engine has 2.0 GB of memory; a gateway takes 2 and the rest of creel 1: give it 4',
    );
    expect(problems).toContainEqual(expect.stringMatching(/: \d{5,6}\.\d GB are needed and \d+\.\d GB are free$/));
  });

  it('does not stop the plan from telling disk, and the time that two cores take or many', async () => {
    const planned = (cores: number) =>
      checkout.ask(
        `import { plan } from './scripts/machine/preflight.mjs';
         const recipes = [{ tag: 'creel/openclaw:1', release: '1', variant: 'baked' }];
         const lacking = { npm: true, temporal: true, engine: true, recipes };
         console.log(JSON.stringify(plan(lacking, 'build', { about: {} }, ${cores})));`,
      );
    expect(await planned(2)).toEqual([
      expect.stringMatching(/^creel gets what is missing here: about 6 min, up to \d\.\d GB of disk$/),
      '  - npm dependencies, as locked',
      '  - a temporal binary, built with go install',
      '  - a Docker engine, installed where it is missing, and started',
      '  - the image creel/openclaw:1, from npm and Debian packages',
    ]);
    expect(await planned(8)).toEqual(expect.arrayContaining([expect.stringContaining('about 3 min')]));
  });
});

describe('the npm dependencies', () => {
  const isThere = () =>
    checkout.ask(`import { npmIsThere } from './scripts/machine/npm.mjs'; console.log(JSON.stringify(npmIsThere()));`);

  it('are missing when one of them is deleted, also after they were seen whole', async () => {
    const locked = '{"packages": {"node_modules/x": {"version": "1.0.0"}}}';
    checkout.write('package-lock.json', locked);
    expect(await isThere()).toBe(false);
    checkout.write('node_modules/.package-lock.json', locked);
    checkout.write('node_modules/x/package.json', '{}');
    expect(await isThere()).toBe(true);
    fs.rmSync(checkout.at('node_modules', 'x'), { recursive: true });
    expect(await isThere()).toBe(false);
  });
});

describe('an image', () => {
  it('takes longer where containerd keeps the images, and its disk counts there', async () => {
    const planned = async (images?: string) => {
      const lines = await checkout.ask(
        `import { plan } from './scripts/machine/preflight.mjs';
         const recipes = [{ tag: 'creel/openclaw:1', release: '1', variant: 'baked' }];
         const about = { dir: '/', images: ${JSON.stringify(images)} };
         console.log(JSON.stringify(plan({ recipes }, undefined, { about }, 8)));`,
      );
      return String(lines);
    };
    expect(await planned()).toContain('about 2 min');
    expect(await planned('/var/lib/containerd')).toContain('about 3 min');
  });

  it('gets all its labels by one instruction, in the stage that is made', async () => {
    const text = await checkout.ask(
      `import { Recipe } from './scripts/machine/recipe.mjs';
       const labels = { 'creel.release': '1', 'creel.plugins': 'a,"b"' };
       console.log(JSON.stringify(['plain', 'baked'].map((variant) => new Recipe('2026.9.6', variant).labelled('debootstrap', labels))));`,
    );
    const [plain, baked] = text as [string, string];
    const label = String.raw`LABEL creel.release="1" creel.plugins="a,\"b\""`;
    expect(plain).toMatch(
      new RegExp(`AS plain\\nUSER node\\n${label.replaceAll('\\', String.raw`\\`)}\\n\\nFROM assembled AS baked`),
    );
    expect(baked.trimEnd().endsWith(label)).toBe(true);
  });
});

describe('a temporal program that is downloaded', () => {
  const sum = (file: string) => createHash('sha256').update(fs.readFileSync(file)).digest('hex');
  const archives = { x64: 'amd64', arm64: 'arm64' } as Record<string, string>;
  const archive = `temporal_cli_1.9.1_${process.platform}_${archives[process.arch]}.tar.gz`;

  /** An archive and a list of checksums as the release has them, given by a curl of ours. */
  function release(): void {
    checkout.write('release/temporal', '#!/bin/sh\necho "temporal version 1.9.1 (Server 1.31.0, UI 2.50.0)"\n');
    fs.chmodSync(checkout.at('release/temporal'), 0o755);
    execFileSync('tar', ['-czf', checkout.at('release', archive), '-C', checkout.at('release'), 'temporal']);
    checkout.write('release/checksums.txt', `${sum(checkout.at('release', archive))}  ${archive}\n`);
    checkout.program(
      'curl',
      `#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\nexec cp "${checkout.at('release')}/$(basename "$3")" "$2"\n`,
    );
  }

  /** Pins other sums than those of the real release. */
  function pin(sums: Readonly<Record<string, string>>): void {
    const script = fs.readFileSync(checkout.at('scripts/machine/temporal.mjs'), 'utf8');
    checkout.write(
      'scripts/machine/temporal.mjs',
      script.replace(/const SUMS = \{[^}]*\};/, `const SUMS = ${JSON.stringify(sums)};`),
    );
  }

  const provide = () =>
    checkout.ask(
      `import { makeDirs } from './scripts/machine/dirs.mjs';
       import { provideTemporal } from './scripts/machine/temporal.mjs';
       makeDirs();
       const answer = await provideTemporal('download').catch((error) => ({ failed: error.message }));
       console.log(JSON.stringify(answer));`,
    );

  it('is kept when its checksum is the pinned one', async () => {
    release();
    pin({ [archive]: sum(checkout.at('release', archive)) });
    expect(await provide()).toBe(`${checkout.cache}/bin/temporal`);
  });

  it('is kept when the release’s own list, which is pinned, has its checksum', async () => {
    release();
    pin({ 'checksums.txt': sum(checkout.at('release/checksums.txt')) });
    expect(await provide()).toBe(`${checkout.cache}/bin/temporal`);
  });

  it.each([archive, 'checksums.txt'])(
    'is refused when %s is another file, and nothing is kept or built instead',
    async (name) => {
      release();
      if (name === archive) pin({ [archive]: '0'.repeat(64) });
      else pin({ 'checksums.txt': '0'.repeat(64) });
      checkout.program('go', '#!/bin/sh\nexit 3\n');
      expect(await provide()).toEqual({
        failed: expect.stringMatching(
          new RegExp(`/${name} gave another file than the release has \\(SHA-256 [0-9a-f]{64}`),
        ),
      });
      expect(fs.existsSync(`${checkout.cache}/bin/temporal`)).toBe(false);
    },
  );
});

describe('the engine that bootstrap takes', () => {
  it('is the one that DOCKER_HOST names', async () => {
    const docker = await engine();
    expect(await findEngine({ DOCKER_HOST: docker })).toMatchObject({
      engine: docker,
      about: { arch: 'x64', memory: 2 ** 33 },
    });
  });

  it('is the one of the current docker context', async () => {
    const docker = await engine();
    context('mine', docker);
    expect(await findEngine({})).toMatchObject({ engine: docker });
  });

  it.each(['ssh://root@far', 'tcp://10.0.0.1:2376'])(
    'is never one on another machine (%s), and the reason is said',
    async (host) => {
      const reason = `names ${host}, an engine on another machine: the gateway's port would open on that machine's loopback`;
      expect(await findEngine({ DOCKER_HOST: host })).toEqual({
        refused: [expect.stringContaining(`DOCKER_HOST ${reason}`)],
      });
      context('far', host);
      expect(await findEngine({})).toEqual({
        refused: [expect.stringContaining(`the docker context "far" ${reason}`)],
      });
    },
  );

  it('is not another one where the one that was chosen does not answer', async () => {
    const host = `unix://${checkout.at('nobody.sock')}`;
    expect(await findEngine({ DOCKER_HOST: host })).toEqual({
      refused: [`DOCKER_HOST names ${host}, and no engine answers there (no such socket): start it, or choose another`],
    });
    expect(await findEngine({ DOCKER_CONTEXT: 'lost' })).toEqual({
      refused: ['the docker context "lost" does not exist: docker context ls'],
    });
  });

  it.each([
    ['Podman', { components: 'Podman Engine' }, 'is Podman behind Docker'],
    ['one for Windows containers', { info: { OSType: 'windows' } }, 'runs windows containers'],
    ['one on a processor without an image', { info: { Architecture: 'riscv64' } }, 'runs on riscv64'],
    [
      'a rootless one that cannot limit',
      { info: { SecurityOptions: ['name=rootless'], MemoryLimit: false, CpuCfsQuota: undefined } },
      'is rootless and may not limit processors, memory',
    ],
    ['one whose kernel cannot limit', { info: { CpuCfsQuota: false } }, 'cannot limit processors: its kernel lacks'],
  ])('is not %s', async (_, about, sentence) => {
    expect(await findEngine({ DOCKER_HOST: await engine(about) })).toEqual({
      refused: [expect.stringContaining(sentence)],
    });
  });
});

describe('the lock of bootstrap', () => {
  const working = `
    import fs from 'node:fs';
    import { makeDirs } from './scripts/machine/dirs.mjs';
    import { bootstrapLock, withLock } from './scripts/machine/lock.mjs';
    makeDirs();
    await withLock(bootstrapLock, async () => {
      fs.appendFileSync('log', 'in ');
      await new Promise((resolve) => setTimeout(resolve, Number(process.argv[2])));
      fs.appendFileSync('log', 'out ');
    });`;
  const start = (ms: number) => checkout.start([process.execPath, 'work.mjs', String(ms)]);
  const log = () => (fs.existsSync(checkout.at('log')) ? fs.readFileSync(checkout.at('log'), 'utf8') : '');
  beforeEach(() => checkout.write('work.mjs', working));

  it('lets one at a time work, and says for whom another waits', async () => {
    const started = [start(300), start(300), start(300)];
    const ends = await Promise.all(started.map(ended));
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(log()).toBe('in out in out in out ');
    const told = ends.flatMap(
      ({ complained }) => /another bootstrap \(process (\d+)\) is at work/.exec(complained)?.[1] ?? [],
    );
    expect(started.map(({ pid }) => String(pid))).toEqual(expect.arrayContaining(told));
    expect(told.length).toBeGreaterThan(0);
    expect(fs.readdirSync(checkout.cache)).toEqual([]);
  });

  it('is taken over from one that died, by one of those who wait', async () => {
    const dies = start(60_000);
    const end = ended(dies);
    await expect.poll(log).toBe('in ');
    dies.kill('SIGKILL');
    await end;
    await Promise.all([ended(start(100)), ended(start(100))]);
    expect(log()).toBe('in in out in out ');
    expect(fs.readdirSync(checkout.cache)).toEqual([]);
  });

  it('of a process whose number was given to another one counts as that of a dead one', async () => {
    const note = JSON.stringify({ pid: process.pid, born: 'long ago', nonce: '0123456789abcdef' });
    checkout.write('home/.cache/creel/bootstrap.lock', note);
    expect(await ended(start(0))).toMatchObject({ code: 0, complained: '' });
    expect(log()).toBe('in out ');
  });

  it('of another pid namespace, boot or machine is not judged by its process id: only when it has long been silent', async () => {
    const note = JSON.stringify({ pid: 1_999_999_999, born: 'x', nonce: '0123456789abcdef', space: 'elsewhere' });
    checkout.write('home/.cache/creel/bootstrap.lock', note);
    const waits = start(0);
    const end = ended(waits);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(log()).toBe('');
    const longAgo = Date.now() / 1000 - 3_600;
    fs.utimesSync(checkout.at('home/.cache/creel/bootstrap.lock'), longAgo, longAgo);
    expect(await end).toMatchObject({ code: 0 });
    expect(log()).toBe('in out ');
  });

  it('is let go by one that is interrupted', async () => {
    const interrupted = start(60_000);
    const end = ended(interrupted);
    await expect.poll(log).toBe('in ');
    interrupted.kill('SIGTERM');
    expect(await end).toMatchObject({ code: 130 });
    expect(fs.readdirSync(checkout.cache)).toEqual([]);
  });
});

describe('the image of a recipe', () => {
  const recipe = { release: '2026.9.6', variant: 'baked', tag: 'creel/openclaw:2026.9.6' };
  const image = (Id: string, Created: number, ...RepoTags: string[]) => ({
    Id,
    Created,
    RepoTags,
    Labels: { 'creel.recipe': 'hash' },
  });

  /** Which of these images is taken, and what is tagged with its name. */
  const found = (...images: ReturnType<typeof image>[]) =>
    checkout.ask(
      `import { findImage } from './scripts/machine/image.mjs';
       const tagged = [];
       const ask = async (method, path) => {
         if (method === 'POST') tagged.push(path.split('/')[2]);
         return { status: 200, body: ${JSON.stringify(images)} };
       };
       const recipe = { ...${JSON.stringify(recipe)}, hashes: () => ['hash'] };
       console.log(JSON.stringify({ id: await findImage({ ask }, recipe, 'x64'), tagged }));`,
    );

  it('is the one of its name, whatever others built upon it', async () => {
    const [built, base] = [image('built', 2, 'mine:1'), image('base', 1, recipe.tag)];
    expect(await found(built, base)).toEqual({ id: 'base', tagged: [] });
    expect(await found(built)).toEqual({ tagged: [] });
  });

  it('gets its name back when it has none, the oldest first', async () => {
    const [later, base] = [image('later', 2), image('base', 1, '<none>:<none>')];
    expect(await found(later, base)).toEqual({ id: 'base', tagged: ['base'] });
  });

  it('says for which channels npm had no plugin', async () => {
    checkout.program('npm', `#!/bin/sh\necho '{"error": {"code": "E404"}}'; exit 1\n`);
    const dir = 'home/.local/share/creel/releases/1.0.0';
    for (const name of ['package.json', 'package-lock.json', '.npmrc', 'sbom.cdx.json'])
      checkout.write(`${dir}/${name}`, '{}');
    const none = { discord: null, slack: null, whatsapp: null };
    checkout.write(`${dir}/plugins-lock.json`, `${JSON.stringify(none, null, 2)}\n`);
    const [hash] = (await checkout.ask(
      `import { lockedRecipe } from './scripts/machine/lockfile.mjs';
       console.log(JSON.stringify(lockedRecipe('1.0.0').hashes('x64')));`,
    )) as string[];
    const made = { Id: 'one', RepoTags: ['creel/openclaw:1.0.0'], Labels: { 'creel.recipe': hash } };
    const env = { DOCKER_HOST: await engine({ images: [made] }) };
    const { said, complained } = await checkout.run(['node', 'scripts/release.mjs', '1.0.0'], env);
    expect(JSON.parse(said)).toMatchObject({ image: 'creel/openclaw:1.0.0', built: false });
    expect(complained).toBe(
      ['discord', 'slack', 'whatsapp']
        .map((each) => `  npm has no @openclaw/${each} 1.0.0: this image serves no channel ${each}\n`)
        .join(''),
    );
    expect(fs.readFileSync(checkout.at(dir, 'plugins-lock.json'), 'utf8')).toContain('"discord": null');
  });
});
