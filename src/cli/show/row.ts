/** One line of a record: a name in its column, and its value; no line for an empty value. */
export function row(name: string, value: string | false | undefined): string[] {
  return value === undefined || value === false || value === '' ? [] : [`  ${name.padEnd(11)} ${value}`];
}
