/** What a gateway says that could not renew in time the lease by which it alone changes its state: its host was too busy. */
const leaseLost = /maintenance lease \S+ was lost|state lease heartbeat did not become ready/;

/**
 * Whether an end is a verdict on config or state, which no other start mends. A gateway ends so (exit 78) as well when
 * its host did not let it come to its turn while it changed its state; then the next start goes on.
 */
export function isVerdict(exitCode: number | undefined, log: string): boolean {
  return exitCode === 78 && !leaseLost.test(log);
}
