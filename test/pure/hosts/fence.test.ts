import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { exceptionFrom, fenceScript, unfenceScript } from '../../../src/domain/hosts/fence.js';
import { refusal } from '../refusal.js';

const fence = {
  pool: '10.213.0.0/16',
  exceptions: [exceptionFrom('10.20.0.5/32:5432'), exceptionFrom('10.30.0.0/24')],
};

describe('the fence around gateways', () => {
  it('is one script, the same whenever it is printed', async () => {
    await expect(fenceScript(fence)).toMatchFileSnapshot('fence.golden.sh');
    await expect(unfenceScript()).toMatchFileSnapshot('unfence.golden.sh');
  });

  it.each([fenceScript(fence), unfenceScript()])('is understood by a POSIX shell', (script) => {
    execFileSync('sh', ['-n'], { input: script });
  });
});

describe('an exception', () => {
  it.each([
    ['10.20.0.5', { cidr: '10.20.0.5/32', port: undefined }],
    ['10.20.0.0/24', { cidr: '10.20.0.0/24', port: undefined }],
    ['10.20.0.5/32:5432', { cidr: '10.20.0.5/32', port: 5432 }],
  ])('%s', (text, exception) => {
    expect(exceptionFrom(text)).toEqual(exception);
  });

  it.each([
    '',
    'db',
    '10.20.0',
    '10.20.0.256',
    '10.20.0.0/33',
    '0.0.0.0/0',
    '10.20.0.5:0',
    '10.20.0.5:70000',
    '010.20.0.5',
    '10.20.0.5/08',
    '10.20.0.5:0443',
    '10.0.0.1; reboot',
    '::1',
  ])('%j is refused with what is right', (text) => {
    expect(refusal(() => exceptionFrom(text))).toMatch(/no exception to a fence.*for example 10\.20\.0\.5\/32:5432/);
  });
});
