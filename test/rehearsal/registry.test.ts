import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import getPort from 'get-port';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DockerodeEngine } from '../../src/adapters/docker/engine.js';
import { foundSocket } from '../ground/found.js';
import { scratchDirectory } from '../world/scratch.js';

const engine = new DockerodeEngine({ socketPath: foundSocket(), signal: () => undefined });
const directory = scratchDirectory('creel-registry-');
const types = {
  docker: 'application/vnd.docker.distribution.manifest.v2+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  attestation: 'application/vnd.in-toto+json',
} as const;
let registry: ChildProcess;
let name: string;
let plain: Buffer;

beforeAll(async () => {
  const port = await getPort({ host: '127.0.0.1' });
  name = `127.0.0.1:${port}/openclaw`;
  const storage = { filesystem: { rootdirectory: `${directory}/images` } };
  fs.writeFileSync(
    `${directory}/config.json`,
    JSON.stringify({ version: 0.1, storage, http: { addr: `127.0.0.1:${port}` } }),
  );
  registry = spawn('docker-registry', ['serve', `${directory}/config.json`], { stdio: 'ignore' });
  registry.once('error', () => undefined); // The first request says that it does not answer.
  for (let looks = 0; looks < 50 && !(await answers(port)); looks += 1) await sleep(100);
  fs.writeFileSync(`${directory}/file`, port.toString());
  fs.writeFileSync(`${directory}/Dockerfile`, 'FROM scratch\nLABEL creel.release=2026.9.7\nCOPY file /file\n');
  await execa('docker', ['build', '-q', '-t', `${name}:plain`, directory]);
  await execa('docker', ['push', '-q', `${name}:plain`]);
  await execa('docker', ['rmi', `${name}:plain`]);
  const answer = await fetch(url('manifests/plain'), { headers: { accept: types.docker } });
  plain = Buffer.from(await answer.arrayBuffer());
}, 60_000);

afterAll(async () => {
  const ended = once(registry, 'exit');
  registry.kill('SIGKILL');
  await ended;
  fs.rmSync(directory, { recursive: true, force: true });
});

test('an image by the digest of its manifest is pulled, and is what its labels say', () => isPulled(digest(plain)));

test('an image by the digest of an index that holds its attestation too is pulled', async () => {
  const config = Buffer.from(
    '{"architecture":"unknown","os":"unknown","config":{},"rootfs":{"type":"layers","diff_ids":[]}}',
  );
  const statement = Buffer.from('{"_type":"https://in-toto.io/Statement/v0.1"}');
  for (const blob of [config, statement]) await putBlob(blob);
  const attestation = await putManifest(types.manifest, {
    config: described('application/vnd.oci.image.config.v1+json', config),
    layers: [described(types.attestation, statement)],
  });
  const index = await putManifest(types.index, {
    manifests: [
      { ...described(types.docker, plain), platform: { architecture: 'amd64', os: 'linux' } },
      {
        ...described(types.manifest, attestation),
        platform: { architecture: 'unknown', os: 'unknown' },
        annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
      },
    ],
  });
  await isPulled(digest(index));
});

async function isPulled(of: string): Promise<void> {
  const image = `${name}@${of}`;
  expect(await engine.findImage(image)).toBeUndefined();
  await engine.pullImage(image, () => undefined);
  expect((await engine.findImage(image))?.labels).toMatchObject({ 'creel.release': '2026.9.7' });
  await engine.removeImage(image);
  expect(await engine.findImage(image)).toBeUndefined();
}

async function answers(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/v2/`).then(
    () => true,
    () => false,
  );
}

async function putBlob(blob: Buffer): Promise<void> {
  const begun = await fetch(url('blobs/uploads/'), { method: 'POST' });
  const at = new URL(begun.headers.get('location') ?? '', url(''));
  at.searchParams.set('digest', digest(blob));
  expect((await fetch(at, { method: 'PUT', body: new Uint8Array(blob) })).status).toBe(201);
}

async function putManifest(mediaType: string, parts: object): Promise<Buffer> {
  const text = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...parts }));
  const at = url(`manifests/${digest(text)}`);
  const answer = await fetch(at, {
    method: 'PUT',
    body: new Uint8Array(text),
    headers: { 'content-type': mediaType },
  });
  expect(answer.status).toBe(201);
  return text;
}

function described(mediaType: string, content: Buffer) {
  return { mediaType, digest: digest(content), size: content.length };
}

function digest(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

function url(rest: string): string {
  return `http://${name.replace('/', '/v2/')}/${rest}`;
}
