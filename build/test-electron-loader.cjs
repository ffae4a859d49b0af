// Starts the application whose folder is the first argument that is not an option, like Electron's own development
// binary;
// `-r FILE` works as it does there. It is the application of the Electron for tests: see build/test-electron.mjs.
const { readFileSync } = require('node:fs');
const { join, resolve } = require('node:path');
const { app } = require('electron');
require('./test-electron-node.cjs');

const args = process.argv.slice(1);
const preloads = [];
let folder;
while (args.length > 0 && folder === undefined) {
  const arg = args.shift();
  if (arg === '-r') preloads.push(args.shift());
  else if (!arg.startsWith('-')) folder = resolve(arg);
}
if (folder === undefined) {
  console.error('usage: electron [options] FOLDER');
  app.exit(2);
} else {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  app.setName(manifest.productName ?? manifest.name);
  app.setVersion(manifest.version);
  app.setAppPath(folder);
  for (const path of preloads) require(path);
  require(join(folder, manifest.main));
}
