import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { SearchAttributeType } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { searchAttributeKeys } from '../../../src/wire/search-attributes.js';

const dependency = z.object({ condition: z.string() });

const service = z.object({
  image: z.string(),
  restart: z.string(),
  environment: z.record(z.string(), z.string()).default({}),
  depends_on: z.record(z.string(), dependency).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  configs: z.array(z.object({ source: z.string(), target: z.string() })).default([]),
  command: z.array(z.string()).optional(),
  healthcheck: z.object({ test: z.array(z.string()).min(2), retries: z.number().positive() }).optional(),
});

const text = readFileSync(new URL('../../../docker-compose.temporal.yml', import.meta.url), 'utf8');

const compose = z
  .object({
    services: z.object({ postgres: service, schema: service, temporal: service, namespace: service, ui: service }),
    configs: z.record(z.string(), z.object({ content: z.string() })),
    volumes: z.record(z.string(), z.object({ name: z.string() })),
  })
  .parse(parse(text, { merge: true }));

const { postgres, schema, temporal, namespace, ui } = compose.services;
const all = Object.entries(compose.services);
const jobs = [schema, namespace];
const lasting = { postgres, temporal, ui };

const words: Partial<Record<SearchAttributeType, string>> = {
  [SearchAttributeType.KEYWORD]: 'Keyword',
  [SearchAttributeType.INT]: 'Int',
  [SearchAttributeType.BOOL]: 'Bool',
  [SearchAttributeType.DATETIME]: 'Datetime',
};

/** What a shell would make of a job: compose writes a dollar twice. */
function script(job: z.infer<typeof service>): string {
  return (job.command ?? []).join('\n').replaceAll('$$', '$');
}

describe('the compose file for Temporal', () => {
  test.each(all)('pins the image of %s to one version', (_name, { image }) => {
    expect(image).toMatch(/^[a-z]+(\/[a-z-]+)?:\d+\.\d+(\.\d+)?(@sha256:[0-9a-f]{64})?$/);
  });

  test('takes server and admin tools of one version', () => {
    const [, version] = temporal.image.split(':');
    expect(temporal.image).toBe(`temporalio/server:${version}`);
    for (const job of jobs) expect(job.image).toBe(`temporalio/admin-tools:${version}`);
  });

  test.each(all)('publishes nothing of %s but on loopback (S4-14)', (_name, { ports }) => {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  test('publishes the frontend, the metrics and the UI, and no database', () => {
    expect(temporal.ports).toEqual(['127.0.0.1:7233:7233', '127.0.0.1:8000:8000']);
    expect(temporal.environment['PROMETHEUS_ENDPOINT']).toBe('0.0.0.0:8000');
    expect(ui.ports).toEqual(['127.0.0.1:8080:8080']);
    expect(postgres.ports).toEqual([]);
  });

  test('keeps what lasts in a named volume', () => {
    expect(postgres.volumes).toEqual(['postgres-data:/var/lib/postgresql/data']);
    for (const [, { volumes }] of all) {
      for (const volume of volumes) expect(Object.keys(compose.volumes)).toContain(volume.split(':')[0]);
    }
    expect(compose.volumes['postgres-data']?.name).toBe('creel-temporal-postgres');
  });

  test.each(Object.entries(lasting))('%s has a health check and comes back by itself', (_name, each) => {
    expect(each.healthcheck).toBeDefined();
    expect(each.restart).toBe('unless-stopped');
  });

  test('schema before server, namespace before UI, each job to its successful end', () => {
    expect(schema.depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
    expect(temporal.depends_on['schema']).toEqual({ condition: 'service_completed_successfully' });
    expect(namespace.depends_on).toEqual({ temporal: { condition: 'service_healthy' } });
    expect(ui.depends_on['namespace']).toEqual({ condition: 'service_completed_successfully' });
    for (const job of jobs) expect(job.restart).toMatch(/^on-failure:\d+$/);
  });

  test.each(Object.entries({ schema, namespace }))('the job %s is shell that parses', (_name, job) => {
    expect(() => execFileSync('sh', ['-n'], { input: script(job), stdio: 'pipe' })).not.toThrow();
  });

  test('the schema job makes and updates both databases', () => {
    expect(script(schema)).toContain('temporal:temporal temporal_visibility:visibility');
    for (const verb of ['create', 'setup-schema -v 0.0', 'update-schema --schema-name "postgresql/v12/']) {
      expect(script(schema)).toContain(`temporal-sql-tool --database "$database" ${verb}`);
    }
    expect(temporal.environment).toMatchObject({ DBNAME: 'temporal', VISIBILITY_DBNAME: 'temporal_visibility' });
  });

  test('closed runs can be read for 14 days at least, on a namespace that is there already too (S3-25)', () => {
    const days = /^(\d+)d$/.exec(namespace.environment['RETENTION'] ?? '')?.[1];
    expect(Number(days)).toBeGreaterThanOrEqual(14);
    for (const verb of ['create', 'update']) {
      expect(script(namespace)).toMatch(new RegExp(`namespace ${verb} .*--retention "\\$RETENTION"`));
    }
  });

  test('registers exactly the search attributes of the workflows, with their types, unless they are there', () => {
    const registered = (namespace.environment['SEARCH_ATTRIBUTES'] ?? '').split(' ');
    const wanted = searchAttributeKeys.map(({ name, type }) => `${name}=${words[type]}`);
    expect(registered.toSorted()).toEqual(wanted.toSorted());
    expect(script(namespace)).toMatch(/search-attribute list[^]*grep -qw[^]*continue[^]*search-attribute create/);
  });

  test('keeps within the ten keywords that SQL visibility has', () => {
    const keywords = searchAttributeKeys.filter(({ type }) => type === SearchAttributeType.KEYWORD);
    expect(keywords.length).toBeLessThanOrEqual(10);
  });

  test('the server reads the poll setting from the file that is mounted', () => {
    const [mounted] = temporal.configs;
    expect(temporal.environment['DYNAMIC_CONFIG_FILE_PATH']).toBe(mounted?.target);
    const settings: unknown = parse(compose.configs[mounted?.source ?? '']?.content ?? '');
    expect(settings).toEqual({ 'history.transferProcessorMaxPollRPS': [{ value: 1000 }] });
  });

  test('the number of history shards is a choice and not the template default', () => {
    expect(Number(temporal.environment['NUM_HISTORY_SHARDS'])).toBeGreaterThanOrEqual(128);
  });

  test('people only look in the UI', () => {
    expect(ui.environment['TEMPORAL_DISABLE_WRITE_ACTIONS']).toBe('true');
  });

  test('holds no password, and says which one it needs', () => {
    const passwords = [
      postgres.environment['POSTGRES_PASSWORD'],
      schema.environment['SQL_PASSWORD'],
      temporal.environment['POSTGRES_PWD'],
    ];
    for (const password of passwords)
      expect(password).toMatch(/^\$\{TEMPORAL_POSTGRES_PASSWORD:\?set TEMPORAL_POSTGRES_PASSWORD .+\}$/);
  });
});
