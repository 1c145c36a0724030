const encoder = new TextEncoder();

/** How many bytes a value takes as JSON. */
export function jsonBytes(value: unknown): number {
  return encoder.encode(JSON.stringify(value) ?? '').length;
}

/** A text of at most so many bytes of JSON. A longer one is cut at its end, shown by "…". */
export function cut(text: string, bytes: number): string {
  if (jsonBytes(text) <= bytes) return text;
  let kept = text.slice(0, bytes);
  for (let size = jsonBytes(`${kept}…`); size > bytes && kept !== ''; size = jsonBytes(`${kept}…`))
    kept = kept.slice(0, Math.min(kept.length - 1, Math.floor((kept.length * bytes) / size)));
  return `${kept.replace(/[\ud800-\udbff]$/, '')}…`;
}

/** The same, cut in its middle, shown by "…" there: a sentence begins with what happened and ends with what to do. */
export function cutMiddle(text: string, bytes: number): string {
  if (jsonBytes(text) <= bytes) return text;
  let letters = Math.min(bytes, text.length);
  let short = withoutMiddle(text, letters);
  for (let size = jsonBytes(short); size > bytes && letters > 0; size = jsonBytes(short)) {
    letters = Math.min(letters - 1, Math.floor((letters * bytes) / size));
    short = withoutMiddle(text, letters);
  }
  return short;
}

function withoutMiddle(text: string, letters: number): string {
  const head = Math.ceil(letters / 2);
  const [begin, end] = [text.slice(0, head), text.slice(text.length - (letters - head))];
  return `${begin.replace(/[\ud800-\udbff]$/, '')} … ${end.replace(/^[\udc00-\udfff]/, '')}`;
}
