import type { ContainerCreateOptions, HostConfig, MountConfig } from 'dockerode';
import type { ErrandSpec, VolumeCopy } from '../ports/docker-engine.js';

/** A copy of a state of many gigabytes on a slow disk; a longer one is found running and waited for by the next attempt. */
const copyMs = 300_000;

/** What the copier exits with when there is nothing to restore. */
export const nothingSaved = 3;

/**
 * Ended by a rename, so that a saved state is whole or not there; flushed before, so that it stays so after a power cut. What
 * did not fit is gone at once: the way back needs a little room too.
 */
const saving = `set -e
if [ -d /snapshot/state ]; then exit 0; fi
trap 'rm -rf /snapshot/partial' EXIT
rm -rf /snapshot/partial
cp -a /state /snapshot/partial
sync -f /snapshot
mv /snapshot/partial /snapshot/state`;

/** Done again from the top after an interruption: what is saved does not change meanwhile. */
const restoring = `set -e
if [ ! -d /snapshot/state ]; then exit ${nothingSaved}; fi
find /state -mindepth 1 -delete
cp -a /snapshot/state/. /state/
sync -f /state`;

/** An errand as the engine wants to be asked for it. */
export function errandOptions(spec: ErrandSpec, more: HostConfig = {}): ContainerCreateOptions {
  return {
    name: spec.name,
    Image: spec.imageId,
    Labels: { ...spec.labels },
    Cmd: [...spec.command],
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      Init: true,
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      Tmpfs: {
        '/tmp': 'rw,nosuid,nodev,mode=1777',
        '/home/node/.cache': 'rw,uid=1000,gid=1000,mode=700',
      },
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '1' } },
      Mounts: spec.mounts.map(mount),
      ...more,
    },
  };
}

/** The copier: root with just what it takes to give every file its owner, mode and times. */
export function copyErrand(
  way: 'save' | 'restore',
  copy: VolumeCopy,
): { readonly spec: ErrandSpec; readonly options: ContainerCreateOptions } {
  const spec: ErrandSpec = {
    name: copy.copier,
    labels: copy.labels,
    imageId: copy.imageId,
    command: ['sh', '-c', way === 'save' ? saving : restoring],
    mounts: [
      { volume: copy.state, target: '/state', readOnly: way === 'save' },
      { volume: copy.snapshot, target: '/snapshot', readOnly: way === 'restore' },
    ],
    limitMs: copyMs,
  };
  const options = errandOptions(spec, { CapAdd: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'] });
  return { spec, options: { ...options, User: '0:0' } };
}

function mount({ volume, target, readOnly }: ErrandSpec['mounts'][number]): MountConfig[number] {
  return { Type: 'volume', Source: volume, Target: target, ReadOnly: readOnly };
}
