// The check that no code outside a runtime's folder names the runtime: a check by name would need another one, by
// name, for the next runtime.
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

const folders = ['core', 'shared', 'renderer', 'cli', 'host', 'electron'];
/** The list of the registered runtimes, with one line for each. */
const registration = 'core/engine/runtimes.ts';

/** Words that equal a runtime's id by chance or by another project's choice, each with the reason. */
export const allowed = [
  { path: 'core/programs/ops/ops-schema.ts', word: 'NanosVersion', reason: "a key of ops' own file format" },
  { path: 'electron/main/external-links.ts', word: 'nanos', reason: 'the address of a web site' },
];

/** Citations of a source: the name of its repository. */
const citation = /\bnanovms\/nanos\b/g;

/** Ids that are common technical words. Only the table of imports keeps other code out of their folders. */
const ordinaryWords = new Set(['kernel']);

/** The ids of the runtimes that the check looks for: the names of their folders. */
export const listRuntimeIds = (root) =>
  readdirSync(join(root, 'core/runtimes')).filter((name) => name !== 'testing' && !ordinaryWords.has(name));

/** True for files that may name runtimes: their own files, the registration, and tests. */
const mayName = (path) =>
  path === registration ||
  path.startsWith('core/runtimes/') ||
  /\.test\.tsx?$/.test(path) ||
  /(^|\/)testing\//.test(path);

/**
 * The places where a text names a runtime, in code or in a comment, alone or inside a longer name (`nanosRelease`).
 *
 * @param {string} text
 * @param {readonly string[]} ids
 * @returns {{ line: number, word: string }[]}
 */
export function findRuntimeNames(text, ids) {
  return text.split('\n').flatMap((line, index) => {
    const words = line.replace(citation, '').match(/[A-Za-z]+/g) ?? [];
    return words.filter((word) => namesRuntime(word, ids)).map((word) => ({ line: index + 1, word }));
  });
}

const namesRuntime = (word, ids) => word.split(/(?<=[a-z])(?=[A-Z])/).some((part) => ids.includes(part.toLowerCase()));

/** Every place in the project that names a runtime without permission. Shape: `['path:line names …']`. */
export function checkRuntimeNames(root) {
  const ids = listRuntimeIds(root);
  return folders
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((name) => posix.join(folder, name)))
    .filter((path) => /\.(tsx?|m?js|cjs|css|json)$/.test(path) && !path.includes('node_modules') && !mayName(path))
    .flatMap((path) =>
      findRuntimeNames(readFileSync(join(root, path), 'utf8'), ids)
        .filter(({ word }) => !allowed.some((entry) => entry.path === path && entry.word === word))
        .map(({ line, word }) => `${path}:${line} names a runtime: ${word}`),
    );
}
