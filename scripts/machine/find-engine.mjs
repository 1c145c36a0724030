import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { Engine } from './engine.mjs';

/**
 * Looks for a Docker engine on this machine. Answers { engine, about } when one can be used, { refused: [sentences] } when what was found
 * or asked for cannot, and { absent: true } when there is nothing at all.
 */
export async function findEngine() {
  const chosen = chosenEndpoint();
  if (chosen?.host === '') return { refused: [`${chosen.from} does not exist: docker context ls`] };
  if (chosen && !chosen.host.startsWith('unix://')) return { refused: [remoteSentence(chosen)] };
  const tried = [];
  for (const socketPath of chosen ? [chosen.host.slice('unix://'.length)] : usualSockets()) {
    const found = await probe(socketPath);
    if (found.engine || found.refused) return found;
    if (found.why || chosen) tried.push({ socketPath, why: found.why ?? 'no such socket' });
  }
  return explain(chosen, tried);
}

/** Why nothing answered, as the one sentence that helps; nothing tried means that there is nothing. */
function explain(chosen, tried) {
  const barred = tried.find(({ why }) => why === 'EACCES');
  if (barred) return { refused: [accessSentence(barred.socketPath)] };
  const asleep = tried.map(({ socketPath }) => asleepSentence(socketPath)).find(Boolean);
  if (asleep) return { refused: [asleep] };
  if (!chosen) return { absent: true };
  return {
    refused: [
      `${chosen.from} names ${chosen.host}, and no engine answers there (${tried[0].why}): start it, or choose another`,
    ],
  };
}

/** What DOCKER_HOST or the current docker context asks for; undefined when neither says anything. */
function chosenEndpoint() {
  if (process.env.DOCKER_HOST) return { from: 'DOCKER_HOST', host: process.env.DOCKER_HOST };
  const context = process.env.DOCKER_CONTEXT || readJson('config.json')?.currentContext;
  if (!context || context === 'default') return undefined;
  const directory = createHash('sha256').update(context).digest('hex');
  const host = readJson('contexts', 'meta', directory, 'meta.json')?.Endpoints?.docker?.Host;
  return { from: `the docker context "${context}"`, host: host ?? '' };
}

/** A file of the docker command line, which need not be installed. */
function readJson(...path) {
  try {
    return JSON.parse(readFileSync(join(process.env.DOCKER_CONFIG || join(homedir(), '.docker'), ...path), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Where engines usually listen: the system's, Docker Desktop's, Colima's, OrbStack's, a rootless one's. */
function usualSockets() {
  const home = homedir();
  const runtime = process.env.XDG_RUNTIME_DIR;
  const inHome = ['.docker/run/docker.sock', '.colima/default/docker.sock', '.orbstack/run/docker.sock'].map((path) =>
    join(home, path),
  );
  return ['/var/run/docker.sock', ...inHome, ...(runtime ? [join(runtime, 'docker.sock')] : [])];
}

async function probe(socketPath) {
  if (!existsSync(socketPath)) return {};
  const engine = new Engine(socketPath);
  try {
    const ping = await engine.ask('GET', '/_ping', { timeoutMs: 3000 });
    if (ping.status !== 200) return { why: `status ${ping.status}` };
    const [version, info] = await Promise.all([engine.ask('GET', '/version'), engine.ask('GET', '/info')]);
    const refused = unfit(socketPath, version.body, info.body);
    return refused.length > 0 ? { refused } : { engine, about: about(info.body, version.body) };
  } catch (error) {
    return { why: error.code ?? error.message };
  }
}

function about(info, version) {
  return {
    arch: archOf(info.Architecture),
    memory: info.MemTotal,
    dir: info.DockerRootDir,
    images: imageDirectory(info),
    system: info.OperatingSystem,
    version: version.Version,
  };
}

/** Where a containerd keeps the images, when it and not the engine does; the engine starts one of its own below its root. */
function imageDirectory(info) {
  const usesContainerd = (info.DriverStatus ?? []).some(([, value]) => /containerd\.snapshotter/.test(value));
  if (!usesContainerd) return undefined;
  return existsSync(join(info.DockerRootDir, 'containerd', 'daemon')) ? info.DockerRootDir : '/var/lib/containerd';
}

/** The engine's architecture in Node's words. */
function archOf(name) {
  return { x86_64: 'x64', amd64: 'x64', aarch64: 'arm64', arm64: 'arm64' }[name] ?? name;
}

function unfit(socketPath, version, info) {
  const where = `the engine at ${socketPath}`;
  const components = (version.Components ?? []).map(({ Name }) => Name).join(' ');
  const problems = [];
  if (/podman/i.test(components))
    problems.push(
      `${where} is Podman behind Docker's socket, whose networks and restarts differ: creel needs a Docker engine; name one with DOCKER_HOST=unix://…`,
    );
  if (info.OSType && info.OSType !== 'linux')
    problems.push(`${where} runs ${info.OSType} containers; the gateway needs Linux ones`);
  const rootless = (info.SecurityOptions ?? []).some((option) => option.includes('rootless'));
  const missing = [
    ...(info.CpuCfsQuota ? [] : ['processors']),
    ...(info.MemoryLimit ? [] : ['memory']),
    ...(info.PidsLimit ? [] : ['processes']),
  ].join(', ');
  if (missing && rootless)
    problems.push(
      `${where} is rootless and may not limit ${missing}: delegate the cgroup controllers to your user (Docker's manual, "Rootless mode", "Limiting resources")`,
    );
  if (missing && !rootless)
    problems.push(
      `${where} cannot limit ${missing}: its kernel lacks the cgroup controllers, or they are switched off`,
    );
  if (!['x64', 'arm64'].includes(archOf(info.Architecture)))
    problems.push(`${where} runs on ${info.Architecture}; the gateway image can be made for x86_64 and arm64`);
  return problems;
}

function remoteSentence({ from, host }) {
  return `${from} names ${host}, an engine on another machine: the gateway's port would open on that machine's loopback, where nothing here can reach it. Unset it, or point it at a local socket (unix://…)`;
}

function accessSentence(socketPath) {
  const { username } = userInfo();
  return `${socketPath} is there, but ${username} may not use it: sudo usermod -aG docker ${username}, then log in again`;
}

function asleepSentence(socketPath) {
  if (socketPath.includes('.colima')) return 'Colima is installed but not running: colima start';
  if (socketPath.includes('.orbstack')) return 'OrbStack is installed but not running: start the OrbStack app';
  if (socketPath.includes('.docker/run') || process.platform === 'darwin')
    return 'Docker Desktop is installed but not running: start the Docker Desktop app';
  return undefined;
}
