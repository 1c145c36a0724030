import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPackages } from '../machine/apt.mjs';
import { cacheDir } from '../machine/dirs.mjs';
import { ask, run } from '../machine/run.mjs';
import { Problem } from '../machine/say.mjs';
import { inScratch } from '../machine/scratch.mjs';

/**
 * The newest engine that the Go module proxy has, and what it runs on: each part a package of a pinned module, which go.sum's
 * public database vouches for. Tags leave out what an engine for a rehearsal does not need.
 */
const parts = [
  {
    module: 'github.com/opencontainers/runc@v1.5.3',
    programs: { runc: 'github.com/opencontainers/runc' },
    tags: 'seccomp',
  },
  {
    module: 'github.com/containerd/containerd/v2@v2.3.7',
    programs: {
      containerd: 'github.com/containerd/containerd/v2/cmd/containerd',
      'containerd-shim-runc-v2': 'github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2',
    },
    tags: 'no_btrfs no_devmapper no_zfs no_cri netgo osusergo',
  },
  {
    module: 'github.com/moby/moby/v2@v2.0.0-beta.24',
    programs: {
      'docker-proxy': 'github.com/moby/moby/v2/cmd/docker-proxy',
      dockerd: 'github.com/moby/moby/v2/cmd/dockerd',
    },
    tags: 'netgo osusergo exclude_graphdriver_btrfs nri_no_wasm',
    version: '-X github.com/moby/moby/v2/dockerversion.Version=29.0.0-beta.24',
  },
];

/** The directory with the programs of a Docker engine 29; built first where it is missing, which takes some ten minutes. */
export async function provideEngine29() {
  const directory = join(cacheDir, 'engine', '29.0.0-beta.24');
  if (existsSync(directory)) return directory;
  if ((await ask(['go', 'version'])) === undefined)
    throw new Problem('building a current engine takes Go 1.26 or newer (https://go.dev/dl): put `go` on PATH');
  if ((await ask(['pkg-config', '--exists', 'libseccomp'])) === undefined)
    await installPackages('libseccomp-dev', 'pkg-config');
  await inScratch('engine', 'build', async (scratch) => {
    const made = join(scratch, 'bin');
    mkdirSync(made);
    for (const each of parts) await buildPart(each, join(scratch, 'module'), made);
    renameSync(made, directory);
  });
  return directory;
}

async function buildPart({ module, programs, tags, version }, work, made) {
  const env = { GOFLAGS: '-mod=mod' };
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, 'go.mod'), 'module rehearsal\n\ngo 1.26\n');
  await run('engine', ['go', 'get', module], { cwd: work, env });
  for (const [name, path] of Object.entries(programs)) {
    const flags = version ? ['-ldflags', version] : [];
    await run('engine', ['go', 'build', '-tags', tags, ...flags, '-o', join(made, name), path], { cwd: work, env });
  }
}
