import { describe, expect, it } from 'vitest';
import { planOf } from '../../../src/cli/show/plans/dry-run.js';
import { errorText, exitOf, exits } from '../../../src/cli/exit.js';
import { fleetExit } from '../../../src/cli/verbs/fleet.js';
import { exitFor } from '../../../src/cli/show/follow.js';
import { describeLines } from '../../../src/cli/show/description.js';
import { endLines } from '../../../src/cli/show/end.js';
import { frameLines } from '../../../src/cli/show/frame.js';
import { changeLines } from '../../../src/cli/show/frame-changes.js';
import { listTable } from '../../../src/cli/show/gateway-list.js';
import { listedLines } from '../../../src/cli/show/listed.js';
import { parkLines } from '../../../src/cli/show/park.js';
import { recordedPhase } from '../../../src/cli/show/recorded-phase.js';
import { uiLink } from '../../../src/cli/show/ui-link.js';
import { NoWorker, TurnedDown, UnknownGateway, Unreachable } from '../../../src/client/failure.js';
import { commandsFor, readOperationId, type Frame } from '../../../src/client/follow/frame.js';
import { straightOut } from '../../../src/domain/hosts/egress.js';
import { Refused } from '../../../src/domain/errors.js';
import { specFrom } from '../../../src/settings/spec.js';
import type { FleetEndKind } from '../../../src/wire/fleet.js';
import type { Description } from '../../../src/wire/description.js';
import type { Park } from '../../../src/wire/park.js';

const now = Date.parse('2026-11-21T08:00:30.000Z');

const running: Frame = {
  workflowId: 'gateway/g42/7k3fq2/12-provision',
  gateway: 'g42',
  birth: '7k3fq2',
  operation: 12,
  kind: 'provision',
  title: 'provision g42 (operation 12)',
  phase: 'forward',
  startedAt: '2026-11-21T08:00:00.000Z',
  steps: [
    {
      name: 'check host',
      state: 'done',
      startedAt: '2026-11-21T08:00:00.000Z',
      endedAt: '2026-11-21T08:00:00.040Z',
      attempt: 1,
      sentence: '',
    },
    {
      name: 'await readiness',
      state: 'running',
      startedAt: '2026-11-21T08:00:18.000Z',
      attempt: 2,
      sentence: '/startupz 503, 12 s of 330 s',
    },
    { name: 'read back', state: 'waiting', attempt: 1, sentence: '' },
  ],
  waitingFor: '',
  reason: '',
  left: [],
  proofs: [],
  commands: ['creel describe g42'],
};

const park: Park = {
  number: '12.1',
  step: 'await readiness',
  doing: 'do',
  reason: 'no memory',
  since: '2026-11-21T08:00:20.000Z',
  until: '2026-11-21T09:00:20.000Z',
  answers: ['retry', 'abort'],
};

const told: Description = {
  deployment: 'testdeploy',
  gateway: 'g42',
  phase: 'ready',
  since: '2026-11-21T07:57:30.000Z',
  reason: '',
  life: undefined,
  record: undefined,
  skipped: [],
  approved: [],
  left: [],
  park: undefined,
  running: undefined,
  queue: [],
  last: undefined,
  stateKeptUntil: undefined,
};

const provedAt = '2026-11-21T07:57:30.000Z';
const record: Description['record'] = {
  version: '2026.9.6',
  imageId: 'sha256:1',
  containerId: '1',
  network: 'oc-g42-7k3fq2',
  subnet: '10.213.0.0/28',
  port: 19_100,
  volume: 'oc-g42-7k3fq2-state',
  operatorScopes: ['operator.admin'],
  channels: 'none',
  egress: 'direct',
  keyId: 'df09de28',
  provedAt,
};

describe('an operation on a terminal', () => {
  it('has a line for each step with its time and what it waits for', () => {
    expect(frameLines(running, now)).toEqual([
      'provision g42 (operation 12)  running, 30.0 s',
      '  ✓ check host          40 ms',
      '  ▸ await readiness    12.0 s  attempt 2: /startupz 503, 12 s of 330 s',
      '  · read back',
    ]);
  });

  it('counts no attempts of a step whose last one only found that something is not there yet', () => {
    const steps = running.steps.map((step) => (step.attempt > 1 ? { ...step, waits: true as const } : step));
    expect(frameLines({ ...running, steps }, now)[2]).toBe(
      '  ▸ await readiness    12.0 s  /startupz 503, 12 s of 330 s',
    );
  });

  it('says that no worker has taken the work up, when that lasts', () => {
    const fresh = frameLines({ ...running, unattendedSince: '2026-11-21T08:00:29.000Z' }, now);
    expect(fresh.join('\n')).not.toContain('worker');
    const long = frameLines({ ...running, unattendedSince: '2026-11-21T08:00:18.000Z' }, now);
    expect(long.at(-1)).toContain('no worker has taken this up for 12.0 s');
  });

  it('shows a park with its number and the commands that answer it', () => {
    const lines = frameLines({ ...running, phase: 'parked', park }, now).join('\n');
    expect(lines).toContain('parked (12.1) at "await readiness"');
    expect(lines).toContain('creel retry g42 --park 12.1  |  creel abort g42 --park 12.1');
  });
});

describe('a park whose reason names another command', () => {
  const named = { ...park, reason: 'port 19100 is taken. End that process, then `creel provision g42`' };

  it('says that its answer comes first, because whatever else is asked waits behind it', () => {
    expect(parkLines('g42', named)[1]).toBe(
      'nothing else of g42 begins before this is answered: `creel retry g42 --park 12.1` when it is mended, or `creel abort g42 --park 12.1`, then the command that it names',
    );
    const undo = { ...named, doing: 'undo', answers: ['retry', 'leave'] } as const;
    expect(parkLines('g42', undo)[1]).toContain('or `creel leave g42 --park 12.1`, then');
    for (const reason of ['no memory', 'see `creel describe g42`', 'then `creel provision g4`'])
      expect(parkLines('g42', { ...park, reason })).toHaveLength(2);
  });
});

describe('an operation in a pipe', () => {
  it('begins with its title and what has happened', () => {
    expect(changeLines(undefined, running, now)).toEqual([
      'provision g42 (operation 12)  running, 30.0 s',
      '✓ check host          40 ms',
      '▸ await readiness    12.0 s  attempt 2: /startupz 503, 12 s of 330 s',
    ]);
  });

  it('is silent while only seconds pass', () => {
    const [first, second, third] = running.steps;
    if (!first || !second || !third) throw new Error('three steps');
    const later = { ...running, steps: [first, { ...second, sentence: '/startupz 503, 14 s of 330 s' }, third] };
    expect(changeLines(running, later, now)).toEqual([]);
    const other = { ...running, steps: [first, { ...second, sentence: '/startupz 200' }, third] };
    expect(changeLines(running, other, now)).toHaveLength(1);
  });

  it('says once that no worker is there', () => {
    const at = (ms: number) =>
      changeLines(running, { ...running, unattendedSince: '2026-11-21T08:00:20.000Z' }, now + ms);
    expect(at(0)).toHaveLength(1);
    const unattended = { ...running, unattendedSince: '2026-11-21T08:00:20.000Z' };
    expect(changeLines(unattended, unattended, now + 5_000)).toEqual([]);
  });

  it('ends with how it ended', () => {
    const ended: Frame = {
      ...running,
      phase: 'ended',
      outcome: 'undone',
      endedAt: '2026-11-21T08:00:31.000Z',
      reason: 'check host: full',
    };
    expect(changeLines(running, ended, now).at(-1)).toBe('provision g42 (operation 12)  undone, 31.0 s');
    expect(endLines(ended)).toContain('why: check host: full');
    const record = {
      version: '2026.9.6',
      imageId: '',
      containerId: '',
      network: '',
      subnet: '',
      port: 19_100,
      volume: '',
      operatorScopes: ['operator.admin'],
      channels: 'none configured',
      egress: '',
      keyId: '',
      provedAt: '2026-11-21T08:00:31.000Z',
    };
    const done = { ...ended, outcome: 'done', record } as const;
    expect(endLines(done)).toContain('no model: nobody is answered');
    const answered = { ...done, record: { ...done.record, model: 'anthropic/claude-opus-5' } };
    expect(endLines(answered)).toContain('model: anthropic/claude-opus-5');
    expect(endLines({ ...done, kind: 'rotate' })).not.toContain('no model: nobody is answered');
  });
});

describe('the record of a gateway', () => {
  const spec = {
    release: '2026.9.6',
    dev: false,
    memoryMb: 2048,
    cpus: 2,
    keepStateMs: 36 * 3_600_000,
    parkMs: 1_800_000,
    channels: [],
  };
  const mark = { deployment: 'testdeploy', gateway: 'g42', birth: '7k3fq2', layout: 1 } as const;
  const place = { provider: 'local', host: 'local' } as const;
  const life = { mark, place, spec, tokenGeneration: 1, deviceGeneration: 1 };

  it('has every setting that keeps or waits, in the words of gateway.toml', () => {
    const lines = describeLines({ ...told, life }, undefined, now);
    expect(lines).toContain('  state       kept 36 hours after a removal');
    expect(lines).toContain('  keep_former 7 days: so long the previous release is kept after an upgrade');
    expect(lines).toContain('  park_for    30 minutes: so long a stuck operation waits for a person');
    expect(lines).toContain('  model       none: nobody is answered');
    const provider = { id: 'anthropic', key: 'secret:a' };
    const models = { default: 'anthropic/claude-opus-5', fallbacks: ['anthropic/claude-haiku'], providers: [provider] };
    expect(describeLines({ ...told, life: { ...life, spec: { ...spec, models } } }, undefined, now)).toContain(
      '  model       anthropic/claude-opus-5, else anthropic/claude-haiku',
    );
    const channels = [{ kind: 'telegram', secrets: { botToken: 'secret:bot' }, allowFrom: ['1'] }] as const;
    const whole = describeLines({ ...told, life: { ...life, spec: { ...spec, models, channels } } }, undefined, now);
    expect(whole).toContain('  provider    anthropic (key = "secret:a")');
    expect(whole).toContain('  channels    telegram (bot_token = "secret:bot")');
    const hasty = { ...life, spec: { ...spec, parkMs: 0, keepFormerMs: 86_400_000 } };
    const others = describeLines({ ...told, life: hasty }, undefined, now).join('\n');
    expect(others).toMatch(/keep_former 1 day:[^]*park_for    0: a stuck operation is undone at once/);
  });

  it('says what its state takes of what it may, counted just now or when it was proved', () => {
    const limited = { ...life, spec: { ...spec, diskMb: 10_240 } };
    const lines = (stateBytes: number | undefined, usable?: number) =>
      describeLines(
        {
          ...told,
          life: limited,
          record: { provedAt: told.since, egress: '', stateBytes } as unknown as typeof told.record,
        },
        usable === undefined ? undefined : { ok: true, text: 'x', stateBytes: usable },
        now,
      );
    expect(lines(1.2 * 1024 ** 3)).toContain('  disk        state 1.2 GB of 10 GB, as it was proved');
    expect(lines(1.2 * 1024 ** 3, 11 * 1024 ** 3)).toContain('  disk        state 11.0 GB of 10 GB: over');
    expect(lines(undefined)).toContain('  disk        10 GB, what its state takes was not counted');
    expect(describeLines({ ...told, life }, undefined, now).join('\n')).not.toContain('disk');
  });

  it('says once that a gateway reaches nothing', () => {
    const record = { egress: 'no egress: api.anthropic.com:443 ENOTFOUND', provedAt: told.since, network: 'n' };
    const lines = describeLines({ ...told, life, record: record as unknown as Description['record'] }, undefined, now);
    expect(lines).toContain('  egress      none: api.anthropic.com:443 ENOTFOUND');
  });

  it('of one that is gone says what it was, and nothing that would be in force', () => {
    const record = { port: 20_001, network: 'n', subnet: 's', egress: 'open', provedAt: told.since, runsOn: 'docker' };
    const former = { release: '2026.6.11', until: 'noon' };
    const handOver = { generation: 3, since: 'noon' };
    const all = { ...told, life, former, handOver, record: record as unknown as Description['record'] };
    const living = describeLines(all, undefined, now).join('\n');
    const gone = describeLines({ ...all, phase: 'removed' }, undefined, now).join('\n');
    for (const word of ['127.0.0.1', 'egress', 'runs on', 'former', 'hand-over', 'park_for', 'after a removal']) {
      expect(living).toContain(word);
      expect(gone).not.toContain(word);
    }
    expect(gone).toMatch(/^g42 {2}removed since [^]*birth +7k3fq2[^]*release +2026\.9\.6[^]*limits/);
  });

  it('says a park once, beside the operation that is parked', () => {
    const lines = describeLines({ ...told, phase: 'parked', park }, undefined, now, {
      ...running,
      phase: 'parked',
      park,
    });
    expect(lines.filter((line) => line.includes('parked (12.1)'))).toHaveLength(1);
    expect(lines.join('\n')).toContain('▸ await readiness');
    const later = { ...running, phase: 'parked', park: { ...park, number: '12.2' } } as const;
    expect(describeLines({ ...told, phase: 'parked', park }, undefined, now, later).join('\n')).toContain('(12.2)');
  });
});

describe('a rotated token that nobody has fetched', () => {
  const due = { ...told, handOver: { generation: 3, since: '2026-11-21T07:00:00.000Z' } };

  it('shows in the record with the command that fetches it, and in the list', () => {
    expect(describeLines(due, undefined, now)).toContain(
      '  hand-over   due: token generation 3 since 2026-11-21T07:00:00.000Z, `creel token show g42`',
    );
    expect(describeLines(told, undefined, now).join()).not.toContain('hand-over');
    const row = { gateway: 'g42', birth: 'b', phase: 'x', since: '', release: '', host: '', operation: '' };
    expect(listTable([{ ...row, needsAttention: false, handOver: 'due' }], now)).toContain('hand-over due');
    expect(listTable([{ ...row, needsAttention: true, handOver: 'due' }], now)).toContain('yes, hand-over due');
    expect(listTable([{ ...row, needsAttention: false }], now)).not.toContain('hand-over');
  });
});

describe('the end of a run over the fleet', () => {
  const end = (kind: FleetEndKind) => ({ gateway: 'g1', end: kind, reason: '' });

  it.each([
    ['', ['done', 'gone', 'left out'], exits.done],
    ['', ['done', 'parked'], exits.attention],
    ['aborted by ops', ['done', 'not begun'], exits.failed],
  ] as const)('of reason %j with %j gives %i', (reason, kinds, code) => {
    expect(fleetExit({ reason, ends: kinds.map(end) })).toBe(code);
  });
});

describe('a recorded ready', () => {
  const row = {
    gateway: 'g42',
    birth: '7k3fq2',
    since: '2026-11-21T07:57:30.000Z',
    release: '2026.9.6',
    host: 'local',
    operation: '',
    needsAttention: false,
  };

  it('never stands alone in a list', () => {
    const proved = '2026-11-21T06:00:30.000Z';
    const table = listTable([{ ...row, phase: 'ready', proved }], now);
    expect(table).toContain('ready (proved 2 hours ago)');
    expect(table).not.toMatch(/ready\s{2,}/);
    expect(recordedPhase('degraded', proved, now)).toBe('degraded');
  });

  it('is not called proved when it came back from a change that proved nothing, or when nobody wrote down when it was', () => {
    expect(listTable([{ ...row, phase: 'ready' }], now)).not.toContain('proved');
    expect(listedLines({ ...row, phase: 'ready' }, 'nobody answers', now).join()).not.toContain('proved');
    expect(describeLines(told, undefined, now)[0]).toBe('g42  recorded: ready, not probed');
  });

  it('is a fact only after a probe', () => {
    const since = '2026-11-21T08:00:29.000Z';
    expect(describeLines({ ...told, since, record }, undefined, now)[0]).toBe(
      'g42  recorded: ready (proved 3 minutes ago), not probed',
    );
    const runsOn = 'Docker 29.0.1 (API 1.52, overlay2, cgroup v1)';
    const looked = describeLines(told, { ok: true, text: 'release 2026.9.6', runsOn }, now);
    expect(looked.filter((line) => line.includes(runsOn))).toEqual([expect.stringMatching(/^ *runs on /)]);
    const carrying = { ...record, serves: ['telegram', 'discord'] };
    expect(describeLines({ ...told, record: carrying }, undefined, now)).toContain(
      '  serves      telegram, discord: what its image carries the plugins of',
    );
    expect(describeLines(told, { ok: true, text: 'release 2026.9.6' }, now)[0]).toBe('g42  ready');
    expect(describeLines(told, { ok: false, text: 'connection refused' }, now).slice(0, 2)).toEqual([
      'g42  recorded as ready, but NOT usable now',
      '  usable      NO: connection refused',
    ]);
  });
});

describe('exit codes', () => {
  it.each([
    [new Refused('malformed'), exits.usage],
    [new TurnedDown('exists with another spec', 'Refused'), exits.refused],
    [new TurnedDown('not ours', 'Foreign'), exits.refused],
    [new TurnedDown('connection refused', 'Error'), exits.failed],
    [new UnknownGateway('unknown'), exits.refused],
    [new Unreachable('no answer'), exits.unreachable],
    [new NoWorker('nobody polls'), exits.noWorker],
    [new TypeError('x is undefined'), exits.unexpected],
  ])('%s ends with %i', (error, code) => {
    expect(exitOf(error)).toBe(code);
    expect(errorText(error, false)).toBe(`creel: ${error.message}`);
    expect(JSON.parse(errorText(error, true) ?? '')).toMatchObject({ error: { message: error.message, exit: code } });
  });

  it.each([
    ['done', exits.done],
    ['degraded', exits.attention],
    ['undone', exits.failed],
    ['left', exits.failed],
    ['stopped', exits.failed],
    ['withdrawn', exits.failed],
    ['lost', exits.failed],
  ] as const)('an operation that ends %s gives %i', (outcome, code) => {
    expect(exitFor({ ...running, phase: 'ended', outcome })).toBe(code);
  });

  it('a park needs attention', () => expect(exitFor({ ...running, phase: 'parked', park })).toBe(exits.attention));
});

describe('what to type next', () => {
  it('names the park in every answer', () => {
    expect(commandsFor('g42', 'provision', undefined, park)).toEqual([
      'creel retry g42 --park 12.1',
      'creel abort g42 --park 12.1',
    ]);
  });

  it('is nothing after a removal that is done', () =>
    expect(commandsFor('g42', 'remove', 'done', undefined)).toEqual([]));

  it.each([
    ['upgrade', 'creel provision g42'],
    ['rollback', 'creel provision g42'],
    ['change', 'creel provision g42'],
    ['way-back', 'creel provision g42'],
    ['rotate', 'creel rotate g42 --reclaim'],
    ['pair', 'creel devices g42'],
    ['provision', 'creel remove g42'],
    ['remove', 'creel remove g42'],
  ] as const)(
    'after a %s that left something is %s, because a gateway that lives is not removed for it',
    (kind, next) => expect(commandsFor('g42', kind, 'left', undefined)).toEqual(['creel describe g42', next]),
  );
});

describe('names', () => {
  it('an operation is read from its workflow id', () => {
    expect(readOperationId('gateway/g42/7k3fq2/12-take-up')).toEqual({
      gateway: 'g42',
      birth: '7k3fq2',
      operation: 12,
      kind: 'take-up',
    });
  });

  it('a link to the Temporal UI escapes the workflow id', () => {
    expect(uiLink({ ui: 'http://127.0.0.1:8233/', namespace: 'default' }, 'gateway/g42')).toBe(
      'http://127.0.0.1:8233/namespaces/default/workflows/gateway%2Fg42',
    );
    expect(uiLink({ ui: undefined, namespace: 'default' }, 'gateway/g42')).toBeUndefined();
  });
});

describe('a dry run', () => {
  const pool = { cidr: '10.213.0.0/16', prefix: 28, firstPort: 19_100 };
  const channels = [{ kind: 'telegram' as const, bot_token: 'secret:g42-telegram', allow_from: ['42'] }];
  const spec = specFrom({ release: '2026.9.6', channels });
  const plan = planOf({ id: 'g42', birth: '7k3fq2', spec }, { pool, catalogue: [], egress: straightOut });

  it('names everything that would be made, and the steps', () => {
    expect(plan.names).toEqual({
      container: 'oc-g42-7k3fq2',
      hostname: 'oc-g42-7k3fq2',
      network: 'oc-g42-7k3fq2',
      volume: 'oc-g42-7k3fq2-state',
      writer: 'oc-g42-7k3fq2-write',
    });
    expect(plan.slots).toHaveLength(3);
    expect(plan.steps[0]).toMatchObject({ name: 'check host' });
  });

  it('shows no secret in the rendered config, only that there is one', () => {
    expect(plan.config).toMatchObject({ gateway: { auth: { token: '[secret]' }, remote: { token: '[secret]' } } });
    expect(plan.config).toMatchObject({
      channels: { telegram: { botToken: { source: 'file', id: '/telegram.botToken' }, dmPolicy: 'allowlist' } },
    });
  });
});
