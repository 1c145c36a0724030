import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** A registry on loopback that has some versions of OpenClaw, as far as npm asks what there is; or nothing at all. */
export class NpmRegistry {
  versions: readonly string[];
  readonly #server = http.createServer((request, response) => {
    if (request.url !== '/openclaw' || this.versions.length === 0) return void response.writeHead(404).end('{}');
    const manifest = (version: string) => ({
      name: 'openclaw',
      version,
      dist: { tarball: `${this.url}openclaw/-/openclaw-${version}.tgz` },
    });
    const versions = Object.fromEntries(this.versions.map((version) => [version, manifest(version)]));
    const packument = { name: 'openclaw', 'dist-tags': { latest: this.versions.at(-1) }, versions };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(packument));
  });

  private constructor(versions: readonly string[]) {
    this.versions = versions;
  }

  static async open(versions: readonly string[]): Promise<NpmRegistry> {
    const registry = new NpmRegistry(versions);
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** What a shell has set so that npm asks this registry. */
  get environment(): Record<string, string> {
    return { npm_config_registry: this.url };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
