import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

let known: Promise<string> | undefined;

/** The version that would compile, without loading it: an upgrade rebuilds every bundle. */
export function esbuildVersion(): Promise<string> {
  known ??= readFile(createRequire(import.meta.url).resolve('esbuild/package.json'), 'utf8').then(
    (text) => JSON.parse(text).version,
  );
  return known;
}
