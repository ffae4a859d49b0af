// Lists the files of a desktop package, by electron-builder's own reading of its configuration.
import { cpSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../script.mjs';
import { keptPackages } from '../shipped.mjs';
import config from './config.mjs';

/** Lists the packaged files below `dir`. Shape: paths relative to it. */
export async function listPackagedFiles(dir = root) {
  const { FileMatcher, excludedExts, excludedNames } = await import('app-builder-lib/out/fileMatcher.js');
  const matching = (patterns) => {
    const matcher = new FileMatcher(dir, dir, (text) => text, patterns);
    // The files that electron-builder leaves out of every package.
    matcher.addPattern(`!**/*.{${excludedExts}}`);
    matcher.addPattern(`!**/{${excludedNames}}`);
    return matcher.createFilter();
  };
  const isOurs = matching([...config.files]);
  // It packs npm packages separately, all except those that the patterns exclude.
  const isKept = matching(['**/*', ...config.files.filter((pattern) => pattern.startsWith('!'))]);
  const tops = [
    ...new Set(config.files.filter((pattern) => !pattern.startsWith('!')).map((path) => path.split('/')[0])),
  ];
  const found = [];
  const visit = (path) => {
    const stat = statSync(join(dir, path), { throwIfNoEntry: false });
    const isPackaged = path.startsWith('node_modules/') ? isKept : isOurs;
    if (!stat || !isPackaged(join(dir, path), stat)) return;
    if (!stat.isDirectory()) found.push(path);
    else for (const name of readdirSync(join(dir, path)).sort()) visit(`${path}/${name}`);
  };
  for (const top of [...tops, ...keptPackages.map((name) => `node_modules/${name}`)]) visit(top);
  return found;
}

/** Copies exactly the packaged files into an empty folder. */
export async function copyPackagedFiles(target, dir = root) {
  for (const path of await listPackagedFiles(dir)) {
    mkdirSync(dirname(join(target, path)), { recursive: true });
    cpSync(join(dir, path), join(target, path));
  }
}
