/** What the worker's container is given of its machine, as README tells to run it: `docker` has these as options, its API as `HostConfig`. */
export function boxed(group: string, state: string, socket: string) {
  return {
    NetworkMode: 'host',
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    GroupAdd: [group],
    Binds: [`${socket}:/var/run/docker.sock`, `${state}:/var/lib/creel`],
  };
}
