/** A duration as people write it, exactly: "14 days", "90 minutes", "0". */
export function durationText(ms: number): string {
  if (ms === 0) return '0';
  const units = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1_000],
  ] as const;
  for (const [unit, length] of units) if (ms % length === 0) return `${ms / length} ${unit}${ms === length ? '' : 's'}`;
  return `${ms} ms`;
}

/** A size as people write it, exactly: "2 GB", "1.5 GB", "1900 MB". */
export function sizeText(mb: number): string {
  return mb % 512 === 0 ? `${mb / 1024} GB` : `${mb} MB`;
}

/** So many things by their name, in the plural unless it is one. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}
