import type { ContainerCreateOptions, HostConfig, MountConfig } from 'dockerode';
import { copierLabels, type Way } from '../../domain/changes/copying.js';
import { stateMarkFile, writeStateMark } from '../../domain/gateway/state-mark.js';
import type { ErrandSpec, VolumeCopy } from '../../ports/docker-engine.js';

/**
 * Copies a state of many gigabytes on a slow disk; a longer copy is found running by the next attempt, which waits on.
 */
const copyMs = 300_000;

/** The copier's exit code when there is nothing to restore, or when what is to be saved says that it is torn. */
export const nothingSaved = 3;
export const tornState = 4;

/**
 * Writes a given mark into a given directory, whole or not at all, as the gateway's user would. Anything an owner put
 * in its place (a directory, a link, a pipe that nobody reads) is removed first.
 */
const marking = `mark() {
  rm -rf "$1/${stateMarkFile}.new"
  if [ -d "$1/${stateMarkFile}" ]; then rm -rf "$1/${stateMarkFile}"; fi
  printf %s "$2" > "$1/${stateMarkFile}.new"
  chown 1000:1000 "$1/${stateMarkFile}.new"
  chmod 600 "$1/${stateMarkFile}.new"
  sync "$1/${stateMarkFile}.new"
  mv -fT "$1/${stateMarkFile}.new" "$1/${stateMarkFile}"
  sync "$1"
}`;

/**
 * Ends with a rename, so that a saved state is whole or absent; flushed before and after, so that a power cut changes
 * nothing about that. What did not fit is removed at once: the way back needs a little room, too.
 */
const saving = `set -e
${marking}
if [ ! -L /state/${stateMarkFile} ] && [ -f /state/${stateMarkFile} ] && grep -qs '"whole":false' /state/${stateMarkFile}; then exit ${tornState}; fi
if [ -d /saved/state ]; then exit 0; fi
trap 'rm -rf /saved/partial' EXIT
rm -rf /saved/partial
cp -a /state /saved/partial
mark /saved/partial "$2"
touch -r /state /saved/partial
sync -f /saved
mv -T /saved/partial /saved/state
sync /saved`;

/**
 * Begins again from the top after an interruption, because the saved state does not change. The mark says torn until
 * everything else is there and flushed.
 */
const restoring = `set -e
${marking}
if [ ! -d /saved/state ]; then exit ${nothingSaved}; fi
mark /state "$1"
find /state -mindepth 1 ! -path /state/${stateMarkFile} -delete
cd /saved/state
find . -mindepth 1 -maxdepth 1 ! -name ${stateMarkFile} -exec cp -a -t /state {} +
cd /state
chown --reference=/saved/state .
chmod --reference=/saved/state .
sync -f /state
mark /state "$2"
touch -r /saved/state .`;

/** An errand in the form of a create request to the engine. */
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

/** The copier: root, with just the capabilities to give every file its owner, mode and times. */
export function copyErrand(
  way: Way,
  copy: VolumeCopy,
): { readonly spec: ErrandSpec; readonly options: ContainerCreateOptions } {
  const marks = [{ ...copy.whole, whole: false }, copy.whole].map(writeStateMark);
  const spec: ErrandSpec = {
    name: copy.copier,
    labels: copierLabels(way, copy.labels, way === 'save' ? copy.state : copy.saved),
    imageId: copy.imageId,
    command: ['sh', '-c', way === 'save' ? saving : restoring, 'copy', ...marks],
    mounts: [
      { volume: copy.state, target: '/state', readOnly: way === 'save' },
      { volume: copy.saved, target: '/saved', readOnly: way === 'restore' },
    ],
    limitMs: copyMs,
  };
  const options = errandOptions(spec, { CapAdd: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'] });
  return { spec, options: { ...options, User: '0:0' } };
}

function mount({ volume, target, readOnly }: ErrandSpec['mounts'][number]): MountConfig[number] {
  return { Type: 'volume', Source: volume, Target: target, ReadOnly: readOnly };
}
