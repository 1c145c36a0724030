/** What an engine has of a gateway's container, and by how much its clock is ahead of the one that proved the gateway. */
export type Seen = {
  readonly container: { readonly state: string; readonly startedAt: string } | undefined;
  readonly aheadMs: number;
};

/** What became of a gateway when its engine began anew, in words; undefined when it has run on since it was proved. */
export function restartedSince(provedAt: string, { container, aheadMs }: Seen): string | undefined {
  if (!container) return 'its container is gone';
  if (container.state !== 'running') return `its container does not run (${container.state})`;
  const startedAt = Date.parse(container.startedAt);
  return startedAt > Date.parse(provedAt) + aheadMs ? 'its container was started again' : undefined;
}
