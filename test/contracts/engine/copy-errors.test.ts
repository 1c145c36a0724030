import { describe, expect, test } from 'vitest';
import { copyFailure } from '../../../src/adapters/docker/copy-errors.js';
import { Refused } from '../../../src/domain/errors.js';

describe('a copy that ended otherwise than asked for', () => {
  const path = `/state/${'d'.repeat(4_090)}/end`;
  test.each([
    [`cp: cannot stat '${path}': File name too long`, /d … .*end': File name too long\. Move or remove/s],
    ["cp: error reading '/state/x': Input/output error", /'\/state\/x': Input\/output error\. The disk of the host/],
    ["find: cannot delete '/state/x': Operation not permitted", /Operation not permitted\. .*chattr -i/],
    ["cp: cannot open '/state/x' for reading: Permission denied", /Permission denied\. .*SELinux/],
    ["cp: cannot create regular file '/state/x': Read-only file system", /Read-only file system\. .*mount it writable/],
  ])('%.40s… is refused with the file and the cure', (stderr, sentence) => {
    const failure = copyFailure('save', 'oc-g42-7k3fq2-state', 1, `cp: a warning\n${stderr}\n`);
    expect(failure).toBeInstanceOf(Refused);
    expect(failure.message).toMatch(sentence);
    expect(failure.message).toContain('runbook.md#copy-refused');
    expect(failure.message.length).toBeLessThan(800);
  });

  test('anything else is tried again', () => {
    const failure = copyFailure('restore', 'oc-g42-7k3fq2-state', 137, '');
    expect(failure).not.toBeInstanceOf(Refused);
    expect(failure.message).toBe('could not restore volume oc-g42-7k3fq2-state: exit 137 ');
  });
});
