import Table from 'cli-table3';

/** What a bench measured: rows for people, and the same figures for machines. */
export type Result = {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  readonly figures: Readonly<Record<string, unknown>>;
};

/** Prints the table, then one line of JSON. */
export function printResult(result: Result): void {
  const table = new Table({ head: [...result.head], style: { head: [], border: [] } });
  for (const row of result.rows) table.push([...row]);
  process.stdout.write(`${result.title}\n${table.toString()}\n${JSON.stringify(result.figures)}\n`);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which this share of the values lies (nearest rank). */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}

export function ratio(one: number, other: number): number {
  return Math.round((one / other) * 1_000) / 1_000;
}
