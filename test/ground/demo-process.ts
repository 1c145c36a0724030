import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { expect } from 'vitest';

/** A demo as a person starts it, in an environment that would mislead one that listened to it. */
export class Demo {
  readonly process: ChildProcess;
  said = '';

  constructor(state: string, flags: readonly string[] = [], extra: NodeJS.ProcessEnv = {}) {
    const misleading = { TEMPORAL_ADDRESS: '127.0.0.1:1', TEMPORAL_NAMESPACE: 'nowhere', CREEL_KEY_FILE: '/nowhere' };
    const env = { ...process.env, ...misleading, XDG_STATE_HOME: state, ...extra };
    this.process = spawn(process.execPath, [path.resolve('dist/src/dev/demo.js'), ...flags], { env });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.on('data', (chunk) => (this.said += String(chunk)));
    }
  }

  async ended(): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'exit');
    return this.process.exitCode;
  }

  async says(text: string | RegExp, withinMs = 120_000): Promise<void> {
    await expect.poll(() => this.said, { timeout: withinMs, interval: 100 }).toMatch(text);
  }
}
