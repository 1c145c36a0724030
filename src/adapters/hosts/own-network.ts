import { spawn } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { HostNetwork } from '../../ports/docker-engine.js';

/** Longer than the rules of any host take to be read. */
const shellMs = 20_000;

/** Whether a network namespace is the one that this process is in. */
export async function isOwnNetwork({ boot, namespace }: HostNetwork): Promise<boolean> {
  try {
    const [ownBoot, own] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readlink('/proc/self/ns/net'),
    ]);
    return ownBoot.trim() === boot && own === namespace;
  } catch {
    return false; // Not Linux: an engine is in a virtual machine there.
  }
}

/** What a script for a shell of this machine says; nothing where there is none. */
export async function runShell(script: string): Promise<string> {
  const shell = spawn('sh', ['-s'], { stdio: ['pipe', 'pipe', 'ignore'], timeout: shellMs });
  shell.on('error', () => undefined); // Then it says nothing.
  shell.stdin.on('error', () => undefined);
  shell.stdin.end(script);
  return text(shell.stdout).catch(() => '');
}
