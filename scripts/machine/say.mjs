/** What a person reads: one line at a time, on stderr, so that stdout stays free for whoever called. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** Something that stands in the way and that a person has to settle; its message is the whole explanation. */
export class Problem extends Error {}

/** Runs one named part and says when it began and how long it took. */
export async function part(name, work) {
  const began = Date.now();
  say(`  … ${name}`);
  const result = await work();
  say(`  ✓ ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  return result;
}
