/** What a record says is there of a gateway that is ready. */
export type Recorded = {
  readonly container: string;
  readonly network: string;
  readonly volume: string;
  readonly imageId: string;
  readonly memoryMb: number;
  readonly cpus: number;
};

/** What an engine has under the names of that gateway, with its mark. */
export type Present = {
  readonly container:
    | { readonly state: string; readonly imageId: string; readonly memoryMb: number; readonly cpus: number }
    | undefined;
  readonly network: boolean;
  readonly volume: boolean;
};

/**
 * In what a gateway that its record calls ready is not so, in words for people; nothing where all is as recorded. It is
 * a look from outside: whether the gateway serves is asked by `creel describe`.
 */
export function driftsOf(recorded: Recorded, { container, network, volume }: Present): string[] {
  const { imageId, memoryMb, cpus } = recorded;
  const found = [
    ...(volume ? [] : [`volume ${recorded.volume} is missing, with the state in it`]),
    ...(network ? [] : [`network ${recorded.network} is missing`]),
  ];
  if (!container) return [...found, `container ${recorded.container} is missing`];
  if (container.state !== 'running') found.push(`container ${recorded.container} does not run (${container.state})`);
  if (container.imageId !== imageId)
    found.push(`it has image ${short(container.imageId)}, and was proved with ${short(imageId)}`);
  if (container.memoryMb !== memoryMb)
    found.push(`it has ${limit(container.memoryMb, 'MB of memory')}, and ${memoryMb} MB are on record`);
  if (container.cpus !== cpus) found.push(`it has ${limit(container.cpus, 'cpus')}, and ${cpus} are on record`);
  return found;
}

function limit(amount: number, unit: string): string {
  return amount === 0 ? `no limit of ${unit}` : `${amount} ${unit}`;
}

function short(imageId: string): string {
  return imageId.replace(/^sha256:/, '').slice(0, 12);
}
