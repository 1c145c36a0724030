import { existsSync, readFileSync, readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** How the state directories of tested demos begin; one that is still there was left by a test that did not come to its end. */
export const demoStatePrefix = path.join(os.tmpdir(), 'creel-demo-');

/** Where a demo keeps its own below its state directory. */
export function demoHomeIn(state: string): string {
  return path.join(state, 'creel/demo');
}

/** The deployment of the demo in this home, which its worker names in its log; undefined before it does. */
export function deploymentIn(home: string): string | undefined {
  const log = path.join(home, 'worker.log');
  return existsSync(log) ? /"deployment":"([a-z]{10})"/.exec(readFileSync(log, 'utf8'))?.[1] : undefined;
}

/** The deployments of every tested demo whose state is still there. */
export function leftDeployments(): string[] {
  const [directory, prefix] = [path.dirname(demoStatePrefix), path.basename(demoStatePrefix)];
  const states = readdirSync(directory).filter((name) => name.startsWith(prefix));
  return states.flatMap((name) => deploymentIn(demoHomeIn(path.join(directory, name))) ?? []);
}
