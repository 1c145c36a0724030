import { realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { root } from './dirs.mjs';

/** The programs that are started often, by people and after every crash: each loads a few files instead of eight hundred. */
const MAINS = [
  'src/worker',
  'src/starter',
  'src/dev/demo-worker',
  'test/ground/directory-worker-main',
  'test/ground/real-worker-main',
];

/** What Temporal's worker runs in a thread of its own. */
const THREAD = '@temporalio/worker/lib/workflow/workflow-worker-thread.js';

/** The programs that people install: their files are listed in `packed.json`, whose code is in them in `bundled.json`. */
const PACKED = ['src/starter.js', 'src/worker.js', 'chunks/workflow-worker-thread.js'];

/** What loads files beside its own, native parts above all. package.json names exactly these as its dependencies. */
const OUTSIDE = ['@temporalio/core-bridge', 'source-map'];

/** What is loaded and never used: the making of a workflow bundle, which a build has done. */
const UNUSED = ['webpack'];

/** Puts each main of a compiled tree, with all that it imports, in place of what was compiled; they share chunks. */
export async function bundleMains(directory) {
  const mains = MAINS.map((main) => [main, `${directory}/${main}.js`]);
  const bundle = await rolldown({
    input: { ...Object.fromEntries(mains), 'chunks/workflow-worker-thread': THREAD },
    platform: 'node',
    external: OUTSIDE,
    transform: { define: { __dirname: 'import.meta.dirname', __filename: 'import.meta.filename' } },
    plugins: [unused, withoutNative, temporalPaths, temporalHook],
  });
  const { output } = await bundle.write({
    dir: directory,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
  });
  const packed = filesOf(PACKED, output);
  const list = (name, all) => writeFileSync(`${directory}/${name}`, `${JSON.stringify(all, null, 2)}\n`);
  list('packed.json', packed);
  list('bundled.json', packagesOf(output.filter(({ fileName }) => packed.includes(fileName))));
}

/** The packages of which these chunks have code, as directories below node_modules. */
function packagesOf(chunks) {
  const installed = `${realpathSync(join(root, 'node_modules'))}/`;
  const modules = chunks.flatMap(({ moduleIds }) => moduleIds).map((id) => id.replace(/^\0/, ''));
  const within = modules.filter((id) => id.startsWith(installed)).map((id) => id.slice(installed.length));
  return [...new Set(within.map(packageOf))].toSorted();
}

/** The directory of the package that a file below node_modules belongs to; a package can have others within. */
export function packageOf(file) {
  return /^(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(file)[0];
}

/** These files and all that they import, however late. */
function filesOf(mains, output) {
  const found = new Set();
  const visit = (name) => {
    const chunk = output.find(({ fileName }) => fileName === name);
    if (!chunk || found.has(name)) return;
    found.add(name);
    for (const each of [...chunk.imports, ...chunk.dynamicImports]) visit(each);
  };
  for (const main of mains) visit(main);
  return [...found].toSorted();
}

const unused = {
  name: 'unused',
  resolveId: { filter: { id: new RegExp(`^(${UNUSED.join('|')})$`) }, handler: (id) => `\0unused-${id}` },
  load: { filter: { id: /^\0unused-/ }, handler: () => 'module.exports = {};' },
};

/** What ssh2 tries to load and does without: the same in JavaScript and in Node's own crypto is fast enough. */
const withoutNative = {
  name: 'without-native',
  resolveId: { filter: { id: /sshcrypto\.node$|^cpu-features$/ }, handler: () => '\0without-native' },
  load: { filter: { id: /^\0without-native$/ }, handler: () => `module.exports = {}; throw new Error('not bundled');` },
};

/** Temporal's worker asks for files beside its own: the thread lies beside the chunks, the others are for whoever bundles workflows. */
const temporalPaths = {
  name: 'temporal-paths',
  transform: {
    filter: { id: /@temporalio\/worker\/lib\// },
    handler(code, id) {
      const from = new URL(id.slice(id.lastIndexOf('@temporalio/')), 'file:///');
      return code.replace(/require\.resolve\('(\.[^']*)'\)/g, (_, path) => {
        const asked = `${new URL(path, from).pathname.slice(1)}.js`;
        if (asked !== THREAD) return `'${asked}'`;
        return `require('node:url').fileURLToPath(new URL('./workflow-worker-thread.js', import.meta.url))`;
      });
    },
  },
};

/** What Temporal's worker asks every promise, to which workflow it belongs. */
const OWNER = 'const ctor = promise.constructor.constructor;';

/** Node from 24 on has promises of its own without a constructor: they belong to no workflow, and ended the thread of all of them. */
const temporalHook = {
  name: 'temporal-hook',
  transform: {
    filter: { id: /@temporalio\/worker\/lib\/workflow\/vm-shared\.js$/ },
    handler(code) {
      if (!code.includes(OWNER))
        throw new Error(`@temporalio/worker no longer says "${OWNER}": look whether this is still needed`);
      return code.replace(OWNER, 'const ctor = promise.constructor?.constructor; if (!ctor) return undefined;');
    },
  },
};
