import type { Frame } from '../client/follow/frame.js';
import { uiLink } from '../cli/show/ui-link.js';
import { egressText } from '../domain/gateway/reading.js';
import { demoNamespace } from './demo-home.js';

export type Summary = {
  readonly frame: Frame;
  readonly image: string;
  readonly ui: string;
  /** The link into the Control UI, or why there is none. */
  readonly link: string | undefined;
  /** Which model answers, in words. */
  readonly model: string;
  /** Of a machine of its own: what it is, and how one looks at it; undefined for this machine's engine. */
  readonly machine: string | undefined;
  /** The gateway goes as soon as this was shown, so there is nothing to type next. */
  readonly once: boolean;
  readonly keep: boolean;
};

/** What a person sees once the gateway is up. */
export function summaryLines({ frame, image, ui, link, model, machine, once, keep }: Summary): string[] {
  const { record, gateway } = frame;
  const run = uiLink({ ui, namespace: demoNamespace }, frame.workflowId);
  const rows: [string, string | undefined][] = [
    ['release', record && `OpenClaw ${record.version}, image ${image.slice(0, 19)}`],
    [
      'proved',
      record &&
        `at ${record.provedAt}: authenticated WebSocket with ${record.operatorScopes.join(', ')}; channels: ${record.channels}`,
    ],
    ['model', model],
    ['machine', machine],
    ['egress', record && egressText(record.egress)],
    ['open it', link],
    ['its run', run],
    ['next', once ? undefined : `npx creel list  |  npx creel open ${gateway}`],
    ['stop', once ? undefined : stopText(keep)],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name.padEnd(9)}${value}`]));
}

function stopText(keep: boolean): string {
  return keep
    ? 'Ctrl-C stops the demo and keeps the container for the next one'
    : 'Ctrl-C removes the gateway and stops everything; twice keeps it for the next demo';
}
