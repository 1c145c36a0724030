import { execa } from 'execa';
import { expect, it } from 'vitest';

it('ends without a word when whoever reads it has read enough', async () => {
  const { stdout, stderr } = await execa('bash', [
    '-c',
    'node bin/creel.mjs --help | :; echo "ended with ${PIPESTATUS[0]}"',
  ]);
  expect({ stdout, stderr }).toEqual({ stdout: 'ended with 141', stderr: '' });
});
