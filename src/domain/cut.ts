const encoder = new TextEncoder();

/** How many bytes a value takes where it is kept as JSON. */
export function jsonBytes(value: unknown): number {
  return encoder.encode(JSON.stringify(value) ?? '').length;
}

/** A text that takes at most so many bytes of JSON: its beginning when it is longer, which is then seen by its end "…". */
export function cut(text: string, bytes: number): string {
  if (jsonBytes(text) <= bytes) return text;
  let kept = text.slice(0, bytes);
  for (let size = jsonBytes(`${kept}…`); size > bytes && kept !== ''; size = jsonBytes(`${kept}…`))
    kept = kept.slice(0, Math.min(kept.length - 1, Math.floor((kept.length * bytes) / size)));
  return `${kept.replace(/[\ud800-\udbff]$/, '')}…`;
}
