import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { directories } from '../settings/directories.js';

const demoForm = z.object({
  version: z.literal(1),
  pid: z.number().int().positive(),
  address: z.string(),
  namespace: z.string(),
  ui: z.string(),
});

/** Where the running demo can be reached. */
export type DemoState = z.infer<typeof demoForm>;

/** The file in which the demo says where it can be reached. */
export function demoStateFile(environment: NodeJS.ProcessEnv): string {
  return join(directories(environment).state, 'demo', 'demo.json');
}

/** The demo that is running; undefined when there is none, its process is gone, or its file cannot be understood. */
export function runningDemo(environment: NodeJS.ProcessEnv): DemoState | undefined {
  const parsed = demoForm.safeParse(readJson(demoStateFile(environment)));
  return parsed.success && isAlive(parsed.data.pid) ? parsed.data : undefined;
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // No file, or one half-written: no usable demo.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
