import { rolldown } from 'rolldown';

/** The programs that are started often, by people and after every crash: each loads a few files instead of eight hundred. */
const MAINS = ['src/worker', 'src/starter', 'src/dev/demo-worker', 'test/temporal/worker-main', 'test/e2e/worker-main'];

/** What Temporal's worker runs in a thread of its own. */
const THREAD = '@temporalio/worker/lib/workflow/workflow-worker-thread.js';

/** What loads files beside its own, native parts above all, and what only the making of a workflow bundle needs. */
const OUTSIDE = ['@temporalio/core-bridge', 'ssh2', 'source-map', 'webpack', 'source-map-loader', 'swc-loader'];

/** Puts each main of a compiled tree, with all that it imports, in place of what was compiled; they share chunks. */
export async function bundleMains(directory) {
  const mains = MAINS.map((main) => [main, `${directory}/${main}.js`]);
  const bundle = await rolldown({
    input: { ...Object.fromEntries(mains), 'chunks/workflow-worker-thread': THREAD },
    platform: 'node',
    external: OUTSIDE,
    transform: { define: { __dirname: 'import.meta.dirname', __filename: 'import.meta.filename' } },
    plugins: [temporalPaths],
  });
  await bundle.write({
    dir: directory,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
  });
}

/** Temporal's worker asks for files beside its own: the thread lies beside the chunks, the others stay where npm put them. */
const temporalPaths = {
  name: 'temporal-paths',
  transform: {
    filter: { id: /@temporalio\/worker\/lib\// },
    handler(code, id) {
      const from = new URL(id.slice(id.lastIndexOf('@temporalio/')), 'file:///');
      return code.replace(/require\.resolve\('(\.[^']*)'\)/g, (_, path) => {
        const asked = `${new URL(path, from).pathname.slice(1)}.js`;
        if (asked !== THREAD) return `require.resolve('${asked}')`;
        return `require('node:url').fileURLToPath(new URL('./workflow-worker-thread.js', import.meta.url))`;
      });
    },
  },
};
