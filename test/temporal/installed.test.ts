import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/client/doctor/findings.js';
import { ended, Installation, nodeBinary, pack } from '../ground/installation.js';
import { ScriptedEngine } from '../ground/engines/scripted-engine.js';
import { TestServer } from '../ground/server.js';
import { scratchDirectory } from '../world/scratch.js';

/** What people install with `npm install --global`, on a machine with neither a compiler nor a checkout. */
const scratch = scratchDirectory('creel-pack-');
const engine = new ScriptedEngine();
const limits = { MemoryLimit: true, CpuCfsQuota: true, PidsLimit: true };
const info = {
  ID: 'scripted',
  Architecture: 'x86_64',
  NCPU: 2,
  MemTotal: 2 ** 33,
  DockerRootDir: '/',
  Driver: 'overlay2',
};
const told: Record<string, unknown> = {
  'GET /info': { ...info, ...limits },
  'GET /version': { Version: '29.0.0', ApiVersion: '1.52' },
};

let tarball: string;
let server: TestServer;
beforeAll(async () => {
  engine.answer = (request) => ({ status: request in told ? 200 : 404, body: told[request] ?? {} });
  [tarball, server] = await Promise.all([pack(scratch), TestServer.start(), engine.open()]);
});
afterAll(async () => {
  await server.stop();
  await engine.close();
  fs.rmSync(scratch, { recursive: true });
});

describe.each(['22.12.0', process.versions.node])('installed from its tarball under Node %s', (version) => {
  let installed: Installation;
  let said: string;
  beforeAll(async () => {
    installed = new Installation(version === process.versions.node ? process.execPath : await nodeBinary(version));
    said = await installed.install(tarball);
  });
  afterAll(() => installed.remove());

  it('is there without a compiler, and with nothing of the tests or of what only a build needs', async () => {
    expect(said).not.toMatch(/gyp|error/i);
    const files = fs.readdirSync(installed.at('lib/node_modules/creel'), { recursive: true, encoding: 'utf8' });
    const own = files.filter((name) => !name.startsWith('node_modules'));
    expect(own.filter((name) => /test|bench|\.ts$|run-worker/.test(name))).toEqual([]);
    expect(own).toEqual(expect.arrayContaining(['lib/workflow-bundle.js', 'docs/runbook.md', 'image/releases.json']));
    expect(files.filter((name) => /^node_modules\/(webpack|@swc|ssh2|typescript)\b/.test(name))).toEqual([]);
    const checkout = path.resolve('.');
    const naming = own.filter((name) => {
      const at = installed.at('lib/node_modules/creel', name);
      return fs.statSync(at).isFile() && fs.readFileSync(at).includes(checkout);
    });
    expect(naming, 'no file names the directory in which it was built').toEqual([]);
  });

  it('says its version, its help, its completion, and has its manual page where man looks', async () => {
    const { version: own } = JSON.parse(fs.readFileSync('package.json', 'utf8'));
    expect((await installed.creel(['--version'])).stdout).toMatch(new RegExp(`^${own}( \\(.*\\))?$`));
    expect((await installed.creel(['--help'])).stdout).toContain('worker [options]');
    expect((await installed.creel(['completion', 'bash'])).stdout).toContain('complete -F');
    const page = installed.at('share/man/man1/creel.1');
    expect(fs.readFileSync(page, 'utf8')).toBe((await installed.creel(['man'])).stdout + '\n');
  });

  it('names what is missing, and ends with 78, where nobody has said creel init', async () => {
    const { exitCode, all } = await installed.creel(['worker', '--address', server.address]);
    expect({ exitCode, all }).toMatchObject({ exitCode: 78, all: expect.stringContaining('creel init') });
  });

  it('is a worker that meets a server, answers a look, keeps to its memory, and ends by SIGTERM', async () => {
    const namespace = { TEMPORAL_ADDRESS: server.address, TEMPORAL_NAMESPACE: 'default' };
    const environment = { ...namespace, CREEL_KEY_FILE: path.join(scratch, 'keys', 'master.key') };
    fs.rmSync(path.join(scratch, 'keys', 'backup.json'), { force: true }); // One key of one deployment, for both.
    expect(await installed.creel(['init'], environment)).toMatchObject({ exitCode: 0 });
    const worker = await installed.startWorker({ ...environment, CREEL_DOCKER: `unix://${engine.socketPath}` });
    try {
      const looked = /^(worker|engine|backup) on/;
      const asked = async () => {
        const { stdout } = await installed.creel(['doctor', '--json'], environment);
        const { findings }: { findings: Finding[] } = JSON.parse(stdout);
        return findings.filter(({ about }) => looked.test(about)).map(({ is, says }) => `${is} ${says}`);
      };
      const own = (await installed.creel(['--version'])).stdout;
      const well = (backup: RegExp) =>
        [`ok runs creel ${own}`, expect.stringMatching(backup), expect.stringMatching(/^ok Docker 29\.0\.0/)] as const;
      await expect.poll(asked, { timeout: 60_000 }).toEqual(well(/^warn keys and secrets were never backed up/));
      const backedUp = await installed.creel(['key', 'backup', path.join(installed.root, 'backup')], environment);
      expect(backedUp).toMatchObject({ exitCode: 0 });
      expect(await asked()).toEqual(well(/^ok of .* ago: keys and secrets as they are/));
      const [major = 0, minor = 0] = version.split('.').map(Number);
      const argv = fs.readFileSync(`/proc/${worker.pid}/cmdline`, 'utf8').split('\0');
      if (major > 22 || minor >= 15) expect(argv).toContain('--max-old-space-size=192');
      expect(await ended(worker)).toBe(0);
    } finally {
      worker.kill('SIGKILL');
    }
  });
});
