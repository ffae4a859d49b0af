// Node's types in one file, for functions that run on Node.js: the editor uses them where a project has not installed
// any.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './script.mjs';

/** The packages, with the names by which they refer to each other. */
const packages = ['@types/node', 'undici-types'];

/** JSON of the files. Shape: as in `projects:types`. */
export function nodeTypes() {
  const files = packages.flatMap((name) =>
    readdirSync(join(root, 'node_modules', name), { recursive: true })
      .filter((path) => /(?:\.d\.ts|^package\.json)$/.test(path) && !/^(?:ts\d|compatibility\/.*ts\d)/.test(path))
      .map((path) => ({
        path: `node_modules/${name}/${path}`,
        text: readFileSync(join(root, 'node_modules', name, path), 'utf8'),
      })),
  );
  return JSON.stringify(files.sort((a, b) => (a.path < b.path ? -1 : 1)));
}
