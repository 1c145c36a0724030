import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { metricNames } from '../../../src/wire/metrics.js';
import { alertRules, dashboard, dashboardQueries, rulesFile, watchedSeries } from '../../ground/watched-metrics.js';

const histograms: readonly string[] = [metricNames.operationSeconds, metricNames.stepSeconds];
const series = Object.values(metricNames).flatMap((name) =>
  histograms.includes(name) ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name],
);

test('K-4: alerts and dashboard name no metric that creel does not have, and every one that it has', () => {
  const named = watchedSeries().filter((name) => name.startsWith('creel_'));
  expect(named.filter((name) => !series.includes(name))).toEqual([]);
  const unseen = Object.values(metricNames).filter((name) => !named.some((each) => each.startsWith(name)));
  expect(unseen).toEqual([]);
});

test('every alert says what is wrong and names a heading of the runbook, once', () => {
  const headings = [...fs.readFileSync('docs/runbook.md', 'utf8').matchAll(/^## (.+)$/gm)];
  const there = headings.map(([, heading = '']) => heading.toLowerCase().replaceAll(' ', '-'));
  const rules = alertRules();
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  for (const { alert, annotations } of rules) {
    const [, anchor = ''] = /^docs\/runbook\.md#(.+)$/.exec(annotations.runbook_url) ?? [];
    expect(there, alert).toContain(anchor);
  }
});

test('what every worker says of the whole deployment is never added up', () => {
  const whole = Object.values(metricNames).filter((name) => !/_total$|_seconds$/.test(name));
  const queries = [...alertRules().map(({ expr }) => expr), ...dashboardQueries()];
  const summed = queries.filter((query) => query.includes('sum') && whole.some((name) => query.includes(`${name}{`)));
  expect(whole.length).toBeGreaterThan(3);
  expect(summed).toEqual([]);
});

test('the panels of the dashboard have ids of their own and do not lie over each other', () => {
  const { panels } = dashboard();
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
});

test('where promtool is, it finds no fault in rules and queries, and each alert fires when it is to', () => {
  if (spawnSync('promtool', ['--version']).error) {
    process.stderr.write('promtool is not on this machine: what Prometheus says of the rules was not proved\n');
    return;
  }
  const promtool = (...args: string[]) => execFileSync('promtool', args, { encoding: 'utf8', stdio: 'pipe' });
  expect(promtool('check', 'rules', rulesFile)).toContain(`SUCCESS: ${alertRules().length} rules found`);
  expect(promtool('test', 'rules', 'test/pure/docs/prometheus-rules.cases.yml')).toContain('SUCCESS');
  const directory = fs.mkdtempSync(path.join(tmpdir(), 'creel-queries-'));
  try {
    const rules = dashboardQueries().map((query, index) => ({
      record: `panel:${index}`,
      expr: query.replaceAll('$namespace', 'default').replaceAll('$__rate_interval', '5m'),
    }));
    const file = path.join(directory, 'queries.json'); // JSON is YAML.
    fs.writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    expect(promtool('check', 'rules', file)).toContain(`SUCCESS: ${rules.length} rules found`);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
});
