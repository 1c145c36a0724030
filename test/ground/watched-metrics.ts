import fs from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

/** The alert rules and the dashboard that lie in `packaging/`, as far as tests read them. */
const rulesForm = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.strictObject({
          alert: z.string(),
          expr: z.string(),
          for: z.string().optional(),
          labels: z.strictObject({ severity: z.enum(['page', 'look']) }),
          annotations: z.strictObject({ summary: z.string(), description: z.string(), runbook_url: z.string() }),
        }),
      ),
    }),
  ),
});
const dashboardForm = z.object({
  templating: z.object({ list: z.array(z.object({ definition: z.string().optional() })) }),
  panels: z.array(
    z.object({
      id: z.number(),
      title: z.string(),
      gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
      targets: z.array(z.object({ expr: z.string() })).default([]),
    }),
  ),
});

export const rulesFile = 'packaging/prometheus-rules.yml';

/** The alerts, in order. */
export function alertRules() {
  return rulesForm.parse(parse(fs.readFileSync(rulesFile, 'utf8'))).groups.flatMap(({ rules }) => rules);
}

export function dashboard() {
  return dashboardForm.parse(JSON.parse(fs.readFileSync('packaging/grafana-dashboard.json', 'utf8')));
}

/** What the dashboard asks Prometheus for. */
export function dashboardQueries(): string[] {
  return dashboard().panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
}

/** Every series that the alerts and the dashboard name, once each. */
export function watchedSeries(): string[] {
  const choices = dashboard().templating.list.flatMap(({ definition }) => definition ?? []);
  const asked = [...alertRules().map(({ expr }) => expr), ...dashboardQueries(), ...choices];
  return [...new Set(asked.flatMap((query) => query.match(/\b(?:creel|temporal)_\w+/g) ?? []))].toSorted();
}
