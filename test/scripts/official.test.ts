import { createServer, type IncomingMessage, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Checkout } from './checkout.js';

/** An image that the engine below holds. */
type Image = { readonly Id: string; readonly Labels: Readonly<Record<string, string>>; RepoTags: string[] };

const base = `ghcr.io/openclaw/openclaw@sha256:${'0'.repeat(64)}`;
const tag = 'creel/openclaw:2026.9.6-official';
const reading = { schemas: {}, plugins: ['telegram'], startupz: true, packages: [{ name: 'openclaw', version: '1' }] };

let checkout: Checkout;
let server: Server;
let images: Image[];
let pulled: string[];
beforeEach(() => {
  checkout = new Checkout();
  [images, pulled] = [[], []];
});
afterEach(() => {
  server.close();
  checkout.remove();
});

async function read(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

/** A build as an engine does it: the image of these labels takes the tag, and who had it before has none. */
function build(context: string, name: string): Image {
  const given = [...context.matchAll(/^LABEL (.*)$/gm)].flatMap(([, line = '']) => [
    ...line.matchAll(/(\S+?)="([^"]*)"/g),
  ]);
  for (const each of images) each.RepoTags = each.RepoTags.filter((known) => known !== name);
  const labels = Object.fromEntries(given.map(([, key = '', value = '']) => [key, value]));
  const made = { Id: `sha256:${images.length + 1}`, Labels: labels, RepoTags: [name] };
  images.push(made);
  return made;
}

/** The images that an engine lists for these filters. */
function listed(filters: { readonly label?: string[]; readonly dangling?: string[] }): Image[] {
  return images
    .filter(({ RepoTags }) => filters.dangling === undefined || RepoTags.length === 0)
    .filter(({ Labels }) =>
      (filters.label ?? []).every((each) => `${each.split('=')[0]}=${Labels[each.split('=')[0] ?? '']}` === each),
    );
}

/** An engine that has room in this directory, pulls whatever it is told to, and builds. */
async function engine(dir: string): Promise<string> {
  const limits = { MemoryLimit: true, CpuCfsQuota: true, PidsLimit: true };
  const info = { Architecture: 'x86_64', MemTotal: 2 ** 33, DockerRootDir: dir, OSType: 'linux', ...limits };
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://engine');
    const answer = async (): Promise<unknown> => {
      const body = await read(request);
      if (pathname === '/_ping') return 'OK';
      if (pathname === '/version') return { Version: '27.0.0', Components: [{ Name: 'Engine' }] };
      if (pathname === '/info') return info;
      if (pathname === '/images/json') return listed(JSON.parse(searchParams.get('filters') ?? '{}'));
      if (pathname === '/images/create') return { status: String(pulled.push(searchParams.get('fromImage') ?? '')) };
      if (request.method === 'DELETE') {
        images = images.filter(({ Id }) => pathname !== `/images/${Id}`);
        return [];
      }
      const { Id } = build(body, searchParams.get('t') ?? '');
      return [{ stream: `creel-reading ${JSON.stringify(reading)}\n` }, { aux: { ID: Id } }];
    };
    void answer().then((said) => {
      const lines = pathname === '/build' && Array.isArray(said) ? said : [said];
      response.end(lines.map((each) => JSON.stringify(each)).join('\n'));
    });
  });
  const socket = checkout.at('engine.sock');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return `unix://${socket}`;
}

const make = (DOCKER_HOST: string) => checkout.run(['node', 'scripts/release.mjs', '2026.9.6', base], { DOCKER_HOST });

describe("an image on OpenClaw's own", () => {
  it('is the only one that is left of its two builds, and of one before that was cut short', async () => {
    images.push({ Id: 'sha256:cut', Labels: { 'creel.dev': 'true' }, RepoTags: [] });
    images.push({ Id: 'sha256:strange', Labels: {}, RepoTags: [] });
    const { code, said } = await make(await engine(checkout.root));
    expect({ code, ...JSON.parse(said) }).toMatchObject({ code: 0, image: tag, built: true });
    expect(images.map(({ Id, RepoTags }) => [Id, RepoTags])).toEqual([
      ['sha256:strange', []],
      [expect.any(String), [tag]],
    ]);
    expect(images[1]?.Labels).toMatchObject({ 'creel.release': '2026.9.6', 'creel.dev': 'true', 'creel.base': base });
    expect(await make(`unix://${checkout.at('engine.sock')}`)).toMatchObject({ code: 0 });
    expect(images).toHaveLength(2);
  });

  it('is refused in figures where the engine has no room for it, before anything is pulled', async () => {
    const { code, complained } = await make(await engine('/proc')); // It has no free disk.
    expect(code).toBe(3);
    expect(complained).toMatch(/\/proc: 3\.0 GB are needed and 0\.0 GB are free/);
    expect([pulled, images]).toEqual([[], []]);
  });
});
