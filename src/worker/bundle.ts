import { rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

/** Makes the workflow bundle that ships, from the compiled workflows: `node dist/src/worker/bundle.js`, after `tsc`. */
const workflowsPath = fileURLToPath(new URL('../workflows/index.js', import.meta.url));
const bundlePath = fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url));

const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
const draft = `${bundlePath}.${process.pid}`;
await writeFile(draft, code);
await rename(draft, bundlePath); // Readers see the old bundle or all of the new one.
