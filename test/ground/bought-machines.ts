import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ContainerBody } from '../../src/dev/lightsail/container-body.js';
import { LightsailStandIn } from '../../src/dev/lightsail/stand-in.js';
import { scratchDirectory } from '../world/scratch.js';
import { foundSocket } from './found.js';
import { RealGround } from './real-ground.js';
import { TestServer } from './server.js';
import { newSshKey } from './ssh-key.js';

/** A seller of machines that are containers on this machine's engine, and workers that buy them and reach them over SSH. */
export class BoughtMachines {
  readonly standIn: LightsailStandIn;
  readonly body: ContainerBody;
  readonly ground: RealGround;
  readonly #scratch: string;

  private constructor(scratch: string, standIn: LightsailStandIn, body: ContainerBody, ground: RealGround) {
    this.#scratch = scratch;
    this.standIn = standIn;
    this.body = body;
    this.ground = ground;
  }

  /** With a Temporal server, and without a worker. `releases` are dev ones that stand on this machine's engine. */
  static async open(word: string, releases: readonly string[] = []): Promise<BoughtMachines> {
    const scratch = scratchDirectory(`creel-${word}-`);
    const image = machineImage();
    const body = new ContainerBody({ socketPath: foundSocket(), image, owner: path.basename(scratch) });
    const standIn = await LightsailStandIn.open({ directory: path.join(scratch, 'account'), body });
    Object.assign(process.env, standIn.environment, { TEST_LIGHTSAIL: settingsIn(scratch) });
    if (releases.length > 0)
      process.env['TEST_RELEASES'] = JSON.stringify(
        Object.fromEntries(releases.map((release) => [release, `creel/openclaw:${release}`])),
      );
    return new BoughtMachines(scratch, standIn, body, new RealGround(await TestServer.start()));
  }

  async close(): Promise<void> {
    await this.ground.close();
    await this.ground.server.stop();
    for (const id of await this.body.list()) await this.body.delete(id);
    await this.standIn.close();
    for (const name of ['TEST_LIGHTSAIL', 'TEST_RELEASES']) delete process.env[name];
    fs.rmSync(this.#scratch, { recursive: true, force: true });
  }
}

/** The image of such machines, made where it is not there yet. */
export function machineImage(): string {
  const said = execFileSync(process.execPath, ['scripts/machine-image.mjs'], { encoding: 'utf8' });
  return /creel\/machine:\w+/.exec(said)?.[0] ?? '';
}

/** The file by which a worker buys machines, with a key of its own beside it. */
function settingsIn(scratch: string): string {
  const file = path.join(scratch, 'lightsail.toml');
  fs.writeFileSync(path.join(scratch, 'fleet'), newSshKey(), { mode: 0o600 });
  fs.writeFileSync(file, 'workers = ["198.51.100.7/32"]\n[[fleet_key]]\nslot = "a"\nidentity = "fleet"\n');
  return file;
}
