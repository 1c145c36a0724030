#!/usr/bin/env node
import { existsSync } from 'node:fs';

const main = new URL('../dist/src/starter.js', import.meta.url);
if (existsSync(main)) {
  const creel = await import(main.href);
  await creel.main(process.argv.slice(2));
} else {
  process.stderr.write('creel: it is not built yet. Build it with: npm run build\n');
  process.exitCode = 1;
}
