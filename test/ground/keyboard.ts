import path from 'node:path';
import { execa } from 'execa';
import { keyCheck, masterKey } from '../../src/domain/keys/token.js';
import { deploymentWorkflowId, taskQueue } from '../../src/wire/ids.js';
import { testDeployment, testKeyHex } from '../world/open-test-world.js';
import { layKey, testKeyFile } from '../world/test-keys.js';
import { DirectoryGround } from './directory-ground.js';
import { DirectoryStage } from './directory-stage.js';
import { TestServer } from './server.js';

/** A deployment over a server and a directory world, and the command line in front of it, where the key lies. */
export class Keyboard {
  readonly ground: DirectoryGround;
  readonly stage: DirectoryStage;

  private constructor(ground: DirectoryGround) {
    this.ground = ground;
    this.stage = new DirectoryStage(ground);
  }

  /** Without a worker; with the key laid, and the namespace minted under it. */
  static async open(): Promise<Keyboard> {
    const keyboard = new Keyboard(new DirectoryGround(await TestServer.start(), taskQueue));
    layKey(keyboard.ground.root, testKeyHex);
    const first = masterKey(testKeyHex);
    const memo = { deployment: testDeployment, layout: 1, keyId: first.id, keyCheck: keyCheck(first, testDeployment) };
    const client = await keyboard.stage.client();
    await client.workflow.start('deployment', { workflowId: deploymentWorkflowId, taskQueue, memo });
    return keyboard;
  }

  get environment(): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: path.join(this.ground.root, 'home'),
      CREEL_KEY_FILE: testKeyFile(this.ground.root),
      TEMPORAL_ADDRESS: this.ground.server.address,
    };
  }

  /** What a person types; `input` is what they pipe in, `more` what else they have set. */
  creel(args: readonly string[], input = '', more: Readonly<Record<string, string>> = {}) {
    return execa(process.execPath, ['bin/creel.mjs', ...args], {
      env: { ...this.environment, ...more },
      extendEnv: false,
      reject: false,
      input,
    });
  }

  async close(): Promise<void> {
    await this.stage.close();
    await this.ground.close();
    await this.ground.server.stop();
  }
}
