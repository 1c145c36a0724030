import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { LocalHost } from '../../src/adapters/hosts/local-host.js';
import { fenceScript } from '../../src/domain/hosts/fence.js';
import { patienceMs } from '../ground/patience.js';

const script = fenceScript({ pool: '10.213.0.0/16', exceptions: [] });
const place = { provider: 'local', host: 'local' } as const;
const here = new LocalHost({ socketPath: '/nowhere', signal: () => undefined });

/** A process in a network namespace of its own, which is the host's there: puts the fence up, and says what became of it. */
const inside = `
import fs from 'node:fs';
import { LocalHost } from ${JSON.stringify(pathToFileURL(path.resolve('dist/src/adapters/hosts/local-host.js')).href)};
const network = { boot: fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), namespace: fs.readlinkSync('/proc/self/ns/net') };
const host = new LocalHost({ socketPath: '/nowhere', signal: () => undefined });
const before = await host.findLoopbackRule(${JSON.stringify(place)}, network);
const put = await host.putFence(${JSON.stringify(place)}, network, process.argv[1]);
console.log(JSON.stringify({ before, put, after: await host.findLoopbackRule(${JSON.stringify(place)}, network) }));
`;

function inNetworkOfItsOwn(rules: string) {
  const command = ['--net', process.execPath, '--input-type=module', '--eval', inside, rules];
  return spawnSync('unshare', command, { encoding: 'utf8', timeout: patienceMs });
}

describe('a worker that puts the fence up (row 72)', () => {
  it('touches no other network than its own', async () => {
    const elsewhere = { boot: 'another', namespace: 'net:[1]' };
    expect(await here.putFence(place, elsewhere, 'exit 1\n')).toBe(false);
    expect(await here.findLoopbackRule(place, elsewhere)).toBeUndefined();
  });

  it('as root in its own network puts the rules up, and reads them', () => {
    const { stdout, stderr } = inNetworkOfItsOwn(script);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({ before: 'missing', put: true, after: 'there' });
  });

  it('says why it could not', () => {
    const { stderr, status } = inNetworkOfItsOwn('echo no such table; exit 3\n');
    expect(status).not.toBe(0);
    expect(stderr).toContain('could not be put up here: no such table');
  });
});
