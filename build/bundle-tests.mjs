// Bundles TypeScript of test/ that runs outside vitest, such as benchmarks, and imports it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildFiles, nodeModuleOptions } from './bundle.mjs';
import { root } from './script.mjs';

/** Keeps the path of each source: code that reads a file beside itself finds it, though the bundle is elsewhere. */
const keepSourceUrls = {
  name: 'keep-source-urls',
  setup: (build) =>
    build.onLoad({ filter: /\.(tsx?|m?js)$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      if (!text.includes('import.meta.')) return undefined;
      // Constants of the module, which the definitions below name: code that only quotes `import.meta` stays unchanged.
      const url = JSON.stringify(pathToFileURL(path).href);
      const contents = `const __sourceUrl = ${url}, __sourceDir = ${JSON.stringify(dirname(path))};${text}`;
      return { contents, loader: path.endsWith('.tsx') ? 'tsx' : path.endsWith('.ts') ? 'ts' : 'js' };
    }),
};
const sourceUrlDefinitions = { 'import.meta.url': '__sourceUrl', 'import.meta.dirname': '__sourceDir' };

/**
 * Bundles files of `folder` into a directory that is removed with this process. Shape: a function from a file's name to
 * its bundle.
 */
export async function bundleTests(folder, files) {
  const esbuild = await import('esbuild');
  const dir = join(root, '.cache', basename(folder), String(process.pid));
  const entryPoints = Object.fromEntries(files.map((file) => [basename(file, '.ts'), `${folder}/${file}`]));
  const external = [...nodeModuleOptions.external, 'playwright-core', 'vite', 'vitest'];
  const outputs = await buildFiles(esbuild, {
    ...nodeModuleOptions,
    external,
    outdir: dir,
    entryPoints,
    plugins: [keepSourceUrls],
    define: sourceUrlDefinitions,
  });
  mkdirSync(join(dir, 'chunks'), { recursive: true });
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  for (const file of outputs) writeFileSync(file.path, file.contents);
  return (file) => join(dir, `${basename(file, '.ts')}.mjs`);
}

/** Bundles files of `folder` and imports them. Shape: the modules, by file name. */
export async function importAll(folder, files) {
  const bundleOf = await bundleTests(folder, files);
  const modules = {};
  for (const file of files) modules[file] = await import(pathToFileURL(bundleOf(file)).href);
  return modules;
}
