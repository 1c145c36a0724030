import { Writable } from 'node:stream';
import { format, inspect } from 'node:util';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { Bug, finalKinds, Foreign, NotYet, Refused, StartOver } from '../../../src/domain/errors.js';
import { Secret } from '../../../src/domain/secret.js';

const value = 'xoxb-do-not-print-me';
const secret = new Secret(value);

/** What a log of these arguments looks like. */
function logged(...entry: [object, string]): string {
  let text = '';
  const log = pino({}, new Writable({ write: (chunk, _encoding, done) => done(void (text += String(chunk))) }));
  log.info(...entry);
  return text;
}

describe('a secret', () => {
  test('gives its value to whoever reveals it', () => {
    expect(secret.reveal()).toBe(value);
  });

  test.each([
    ['JSON', JSON.stringify({ secret, list: [secret] })],
    ['inspection', inspect({ secret }, { depth: 9, showHidden: true, getters: true })],
    ['inspection without custom inspectors', inspect(secret, { customInspect: false, showHidden: true })],
    ['a template', String(secret)],
    ['concatenation', ['', secret].join('')],
    ['printf', format('%s %o %O %j', secret, secret, secret, secret)],
    ['an error message', String(new Error(`token ${String(secret)}`))],
    ['a cause', inspect(new Error('wrong', { cause: secret }))],
    ['its keys', JSON.stringify([Object.entries(secret), Object.getOwnPropertyNames(secret)])],
    ['pino', logged({ secret, deep: { secret } }, 'said')],
    ['pino with an error', logged({ err: Object.assign(new Error('wrong'), { secret }) }, 'said')],
  ])('shows nothing in %s', (_where, text) => {
    expect(text).not.toContain(value);
    expect(text).not.toContain(value.slice(-6));
  });

  test('says that it is one', () => {
    expect(JSON.stringify([secret])).toBe('["[secret]"]');
    expect(inspect(secret)).toBe('[secret]');
    expect(logged({ secret }, 'said')).toContain('"secret":"[secret]"');
  });
});

describe('the kinds of failure', () => {
  test.each([NotYet, Refused, Foreign, Bug, StartOver])('%o goes by its name, which a retry policy reads', (Kind) => {
    const cause = new Error('why');
    const error = new Kind('what, where, what now', { cause });
    expect(error.name).toBe(Kind.name);
    expect(error).toBeInstanceOf(Error);
    expect(error.cause).toBe(cause);
  });

  test('only what asking again can help is asked again', () => {
    expect(finalKinds).toEqual(['Refused', 'Foreign', 'Bug', 'StartOver']);
    expect(finalKinds).not.toContain(new NotYet('').name);
  });
});
