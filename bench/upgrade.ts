import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import getPort from 'get-port';
import { renderConfig, stateDirectory } from '../src/domain/gateway/config.js';
import { Secret } from '../src/domain/secret.js';
import { defaultLimits } from '../src/wire/limits.js';
import { RealGround } from '../test/ground/real-ground.js';
import { foundImage } from '../test/ground/found.js';
import { TestServer } from '../test/ground/server.js';
import { Stage } from '../test/ground/stage.js';
import { testSpec } from '../test/world/open-test-world.js';
import { Downtime } from './downtime.js';
import { Registry } from './registry.js';
import { Fleet } from './fleet.js';
import { median, ratio, type Result } from './result.js';

const [older, newer] = ['2026.6.11', '2026.9.6'] as const;
const spec = { ...testSpec, cpus: 2, release: older };
const place = { provider: 'local', host: 'local' } as const;

/**
 * How long clients miss a gateway that goes from one release to the next, last good answer to first: through creel, which saves
 * the state and proves the new one; by a bare `docker stop` and `docker run` of the same images; by `openclaw fleet upgrade`,
 * which saves nothing, from a registry on loopback when this machine has one.
 */
export async function upgrade(runs = 5): Promise<Result> {
  const server = await TestServer.start();
  const ground = new RealGround(server);
  const registry = await Registry.open([older, newer]);
  const fleet = registry && (await Fleet.open());
  const ways: Record<string, () => Promise<number>> = {
    creel: () => byCreel(ground),
    script: byScript,
    ...(registry && fleet && { fleet: () => fleet.upgrade(registry.imageOf(older), registry.imageOf(newer)) }),
  };
  const times: Record<string, number[]> = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
  try {
    await ground.startWorker();
    for (let run = 0; run <= runs; run += 1) {
      for (const [way, measure] of Object.entries(ways)) {
        const ms = await measure();
        process.stderr.write(
          `${run === 0 ? 'warm-up' : `run ${run}`} ${way}: ${Math.round(ms)} ms without an answer\n`,
        );
        if (run > 0) times[way]?.push(ms);
      }
    }
  } finally {
    await fleet?.close();
    await registry?.close();
    await ground.close();
    await server.stop();
  }
  return report(times, runs);
}

function report(times: Record<string, number[]>, runs: number): Result {
  const of = (way: string) => Math.round(median(times[way] ?? []));
  const [creel, script] = [of('creel'), of('script')];
  const fleet = times['fleet'] ? of('fleet') : undefined;
  const vsScript = ratio(creel, script);
  const vsFleet = fleet === undefined ? undefined : ratio(creel, fleet);
  return {
    title: `${older} to ${newer}: without a good answer, median of ${runs} alternating runs`,
    head: ['way', 'ms', 'creel / it', 'aim'],
    rows: [
      ['creel upgrade (state saved, proved)', creel, 1, ''],
      ['docker stop + docker run', script, vsScript, '<= 1.15'],
      ...(fleet === undefined || vsFleet === undefined
        ? []
        : [['openclaw fleet upgrade (state not saved)', fleet, vsFleet, '< 0.9']]),
    ],
    figures: { runs, creel, script, vsScript, ...(fleet !== undefined && { fleet, vsFleet }) },
  };
}

async function byCreel(ground: RealGround): Promise<number> {
  const stage = new Stage(ground, defaultLimits);
  await stage.provision({ spec });
  const { record } = await stage.settled(120_000);
  const downtime = new Downtime(record?.port ?? 0);
  const request = { requestId: randomBytes(4).toString('hex'), origin: 'bench', place, dev: true, retryFailed: false };
  const { workflowId } = await stage.request({ kind: 'upgrade', release: newer, ...request });
  await stage.result(workflowId);
  const ms = await downtime.stop();
  await stage.remove();
  await stage.settled(120_000);
  await stage.close();
  return ms;
}

/** What a person would type, with the same flags: nothing is saved and nothing is proved. */
async function byScript(): Promise<number> {
  const name = `creel-bench-${randomBytes(3).toString('hex')}`;
  const port = await getPort({ host: '127.0.0.1' });
  const state = `type=volume,source=${name},target=${stateDirectory}`;
  const flags = ['--init', '--hostname', name, '--name', name, '--mount', state, '-p', `127.0.0.1:${port}:18789`];
  const limits = ['--memory', '2g', '--memory-swap', '2g', '--cpus', '2', '--pids-limit', '512', '--cap-drop', 'ALL'];
  const tmpfs = ['/tmp:rw,nosuid,nodev,mode=1777', '/home/node/.cache:rw,uid=1000,gid=1000,mode=700'];
  const guards = ['--security-opt', 'no-new-privileges', '--read-only', ...tmpfs.flatMap((each) => ['--tmpfs', each])];
  const run = (release: string) =>
    docker('run', '-d', ...flags, ...limits, ...guards, foundImage(release), 'node', 'openclaw.mjs', 'gateway');
  try {
    await writeConfig(name, port);
    await run(older);
    const downtime = new Downtime(port);
    await isUp(downtime, port);
    const measured = new Downtime(port);
    await docker('stop', '-t', '30', name);
    await docker('rm', name);
    await run(newer);
    return await measured.stop();
  } finally {
    await execa('docker', ['rm', '-f', name], { reject: false });
    await execa('docker', ['volume', 'rm', '-f', name], { reject: false });
  }
}

/** Ready, and for a second so: what comes at the end of a boot is over. */
async function isUp(downtime: Downtime, port: number): Promise<void> {
  const began = performance.now();
  while (
    !(await fetch(`http://127.0.0.1:${port}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    ))
  ) {
    if (performance.now() - began > 120_000) throw new Error('the gateway of the script did not start');
    await sleep(100);
  }
  await downtime.stop();
  await sleep(1_000);
}

async function writeConfig(volume: string, port: number): Promise<void> {
  const token = new Secret(randomBytes(32).toString('base64url'));
  const config = JSON.stringify(renderConfig({ release: older, token, port, channels: [] }));
  const file = `${stateDirectory}/openclaw.json`;
  const write = `umask 077; cat > ${file}`;
  const mount = `type=volume,source=${volume},target=${stateDirectory}`;
  await execa('docker', ['run', '--rm', '-i', '--mount', mount, foundImage(older), 'sh', '-c', write], {
    input: config,
  });
}

async function docker(...args: string[]): Promise<void> {
  await execa('docker', args);
}
