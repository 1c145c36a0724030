const prefix = 'secret:';

/** The names of the stored secrets in a spec, a part of one, or a request, each once, sorted: whatever says `secret:NAME`. */
export function secretsOf(named: object): string[] {
  return [...new Set(referencesIn(named))].toSorted();
}

function referencesIn(value: unknown): string[] {
  if (typeof value === 'string') return value.startsWith(prefix) ? [value.slice(prefix.length)] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(referencesIn);
}
