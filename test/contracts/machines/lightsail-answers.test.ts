import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { LightsailMachines } from '../../../src/adapters/lightsail/machine-provider.js';
import { LightsailStandIn } from '../../../src/dev/lightsail/stand-in.js';
import { patienceMs } from '../../ground/patience.js';
import { removeScratch, scratchDirectory } from '../../world/scratch.js';
import { useStandIn } from './lightsail-hand.js';
import { at, deployment, key, mark, orderOf, persist, region } from './machine-contract.js';

/** What people met: a line each. */
type Met = {
  readonly call: string;
  readonly status: number | string;
  readonly __type?: string;
  readonly message?: string;
};
const met = readFileSync(new URL('lightsail-answers.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Met);

let standIn: LightsailStandIn;
beforeAll(async () => {
  standIn = await LightsailStandIn.open({ directory: scratchDirectory('creel-answers-') });
});
afterEach(async () => {
  standIn.faults.clear();
  useStandIn(standIn);
  await persist(() => new LightsailMachines(() => undefined).removeMachine(at));
  vi.unstubAllEnvs();
});
afterAll(async () => {
  await standIn.close();
  removeScratch();
});

async function ready() {
  useStandIn(standIn);
  const provider = new LightsailMachines(() => undefined);
  return { provider, order: await orderOf(provider) };
}

/** Whoever asks is told this by the given call, each time. */
function answer(call: string, type: string, message: string): void {
  standIn.faults.plan(call, { kind: 'refused', type, message });
}

describe('what people met at Lightsail (K-1)', () => {
  /** One expectation for each line, in their order. */
  const expected: ((line: Met) => Promise<void>)[] = [
    async ({ call, __type = '', message = '' }) => {
      const { provider, order } = await ready();
      answer(call, __type, message);
      await expect(provider.ensureMachine(at, order)).rejects.toMatchObject({
        name: 'Refused',
        message: expect.stringMatching(/Lightsail Instances : 4\..*quota.*higher one.*runbook\.md#lightsail-quota/),
      });
    },
    async ({ call, __type = '', message = '' }) => {
      const { provider } = await ready();
      answer(call, __type, message);
      const next = { slot: 'b', publicKey: key.publicKey } as const;
      await expect(provider.ensureFleetKey(region, deployment, next)).rejects.toMatchObject({
        name: 'NotYet',
        message: expect.stringMatching(/not set up.*still being set up.*open https:.*runbook\.md#lightsail-account/),
      });
    },
    async () => {
      const { provider, order } = await ready();
      standIn.faults.plan('CreateInstances', { kind: 'lost' }, 1);
      const lost = provider.ensureMachine(at, order);
      await expect(lost).rejects.toMatchObject({ name: 'Error', message: expect.stringContaining('read back') });
      expect(await provider.ensureMachine(at, order)).toBe('adopted');
      expect(standIn.asked.filter(({ call }) => call === 'CreateInstances')).toHaveLength(1);
    },
    async ({ message = '', __type = '' }) => {
      const { provider, order } = await ready();
      const name = 'oc-g42-7k3fq2';
      answer('CreateInstances', __type, message.replace('oc-c1001', name));
      await expect(provider.ensureMachine(at, order)).rejects.toMatchObject({ name: 'NotYet' });
      await standIn.occupy(region, 'Disk', name);
      await expect(provider.ensureMachine(at, order)).rejects.toMatchObject({
        name: 'Foreign',
        message: `disk ${name} exists without our mark. Will not touch it; see docs/runbook.md#foreign-machine`,
      });
      await standIn.vacate(region, name);
    },
    async () => {
      const { provider, order } = await ready();
      standIn.paces = { ...standIn.paces, addressMs: 86_400_000 };
      await persist(() => provider.ensureMachine(at, order));
      const state = () =>
        provider.probeMachine(at).then(
          () => 'reached',
          (error: Error) => `${error.name}: ${error.message}`,
        );
      await expect
        .poll(state, { interval: 5, timeout: patienceMs })
        .toContain('NotYet: machine oc-g42-7k3fq2 in eu-central-1 runs and has no address yet');
      await standIn.letGo();
      await expect.poll(state, { interval: 5, timeout: patienceMs }).toBe('reached');
    },
    async ({ call, __type = '', message = '' }) => {
      const { provider, order } = await ready();
      await persist(() => provider.ensureMachine(at, order));
      await persist(() => provider.probeMachine(at));
      answer(call, __type, message);
      await expect(provider.ensureAddress(at)).rejects.toMatchObject({
        name: 'Refused',
        message: expect.stringMatching(/Lightsail Static IPs : 5\..*quota/),
      });
    },
  ];

  test('is all here, and each line has an expectation', () => {
    expect(met).toHaveLength(expected.length);
  });

  test.each(met.map((line, index) => [`${line.call}: ${line.message ?? line.status}`, index] as const))(
    '%s',
    async (_title, index) => {
      const [line, expectation] = [met[index], expected[index]];
      if (!line || !expectation) throw new Error('a line without an expectation');
      await expectation(line);
    },
  );
});

describe('an error of the AWS SDK has one kind, by its name and its words', () => {
  test.each([
    [
      'InvalidInputException',
      'Sorry, your account can not create an instance using this Lightsail plan size.',
      'Refused',
      'begin with small ones',
    ],
    ['InvalidInputException', 'Something else', 'Refused', 'InvalidInputException: Something else'],
    ['RegionSetupInProgressException', 'wait', 'NotYet', 'not set up'],
    ['OptInRequired', 'no', 'Refused', 'switch it on'],
    ['AccessDeniedException', 'no', 'Refused', 'may not do that'],
    ['UnrecognizedClientException', 'no', 'Refused', 'does not take the credentials'],
    ['ExpiredTokenException', 'no', 'Refused', 'does not take the credentials'],
    ['com.amazonaws.lightsail#UnauthenticatedException', 'no', 'Refused', 'does not take the credentials'],
    ['ThrottlingException', 'Rate exceeded', 'Error', 'throttled (Rate exceeded)'],
    ['OperationFailureException', 'later', 'Error', 'it failed (later)'],
  ])('%s, %s: %s', async (type, said, name, says) => {
    const { provider, order } = await ready();
    answer('CreateInstances', type, said);
    const asked = provider.ensureMachine(at, order);
    await expect(asked).rejects.toMatchObject({ name, message: expect.stringContaining(says) });
    const prefix = 'lightsail, CreateInstances of oc-g42-7k3fq2 in eu-central-1: ';
    await expect(asked).rejects.toMatchObject({ message: expect.stringContaining(prefix) });
  });

  test('a seller that nobody reaches is away, and a worker without credentials is told so', async () => {
    const { provider } = await ready();
    vi.stubEnv('AWS_ENDPOINT_URL_LIGHTSAIL', 'http://127.0.0.1:1');
    const nowhere = new LightsailMachines(() => undefined);
    await expect(nowhere.findMachine(at)).rejects.toMatchObject({
      name: 'NotYet',
      message: expect.stringContaining('cannot be reached'),
    });
    useStandIn(standIn);
    for (const each of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(each, undefined);
    vi.stubEnv('HOME', '/nowhere');
    const nobody = new LightsailMachines(() => undefined);
    await expect(nobody.findMachine(at)).rejects.toMatchObject({
      name: 'Refused',
      message: expect.stringContaining('has no AWS credentials'),
    });
    useStandIn(standIn);
    expect(await provider.findMachine({ region, mark: { ...mark, gateway: 'nobody' } })).toBeUndefined();
  });

  test('a clock that is off fails one call, and refuses nothing: the next one is signed by Amazon’s (K-1)', async () => {
    const { provider } = await ready();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
    try {
      const ahead = new LightsailMachines(() => undefined);
      answer('GetInstance', 'InvalidSignatureException', 'Signature not yet current');
      const asked = ahead.findMachine(at);
      await expect(asked).rejects.toMatchObject({
        name: 'Error',
        message: expect.stringContaining('clock of the worker'),
      });
      await expect(ahead.findMachine(at)).rejects.toMatchObject({ name: 'Refused' }); // Then it is not the clock.
      standIn.faults.clear();
      expect(await ahead.findMachine(at)).toEqual(await provider.findMachine(at));
    } finally {
      vi.useRealTimers();
    }
  });

  test('no error carries what was sent: neither credentials nor a signature', async () => {
    const { provider, order } = await ready();
    standIn.faults.plan('CreateInstances', { kind: 'broken' });
    const error: unknown = await provider.ensureMachine(at, order).catch((reason: unknown) => reason);
    const { inspect } = await import('node:util');
    expect(inspect(error, { depth: 20 })).toContain('ServiceException');
    expect(inspect(error, { depth: 20 })).not.toMatch(/AKIDEXAMPLE|Signature|userData/);
  });
});
