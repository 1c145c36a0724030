/** Something that is wrong in a file, as a whole sentence, and the line to which it belongs, where that is known. */
export type Fault = { readonly said: string; readonly line: number | undefined };

/** Each fault once, in the order of the lines; what is of the file as a whole comes last. */
export function inOrder(faults: readonly Fault[]): string[] {
  const sorted = faults.toSorted((one, other) => (one.line ?? Infinity) - (other.line ?? Infinity) || 0);
  return [...new Set(sorted.map(({ said }) => said))];
}
