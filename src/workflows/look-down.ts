const notServing = 'it does not serve: ';

/** What a record says of a gateway that did not serve when it was looked at, after a change of it had come to nothing; a cure that was named already stays the only one. */
export function lookedDown(said: string, gateway: string): string {
  const hasCure = /docs\/runbook\.md#|`creel /.test(said);
  return `${notServing}${said}${hasCure ? '' : `. \`creel provision ${gateway}\` repairs it`}`;
}

/** Whether that is why a gateway is degraded: whatever reads it back as a whole has proved otherwise. */
export function isOfLook(reason: string): boolean {
  return reason.startsWith(notServing);
}
