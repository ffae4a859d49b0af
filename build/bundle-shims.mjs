// The shims of core/bundle: scripts that set web globals, and Node's pure modules. A function's bundle gets those that
// it names.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from './script.mjs';

const scriptsDir = 'core/bundle/shims';
/** Scripts by their names in dist/shims. */
const scripts = {
  url: 'install-url.js',
  http: 'install-http.ts',
  fetch: 'install-fetch.ts',
  'dom-events': 'install-dom-events.ts',
  'message-channel': 'install-message-channel.ts',
  'performance-observer': 'install-performance-observer.ts',
  streams: 'install-streams.ts',
  blob: 'install-blob.ts',
  buffer: 'install-buffer.ts',
  ciphers: 'install-ciphers.ts',
  subtle: 'install-subtle.ts',
  'subtle-keys': 'install-subtle-keys.ts',
};
/** Names in libraries may be shortened; the names of our code appear in stacks. */
const minified = ['url', 'streams', 'ciphers', 'subtle', 'subtle-keys', 'buffer'];

/** Node's modules by their files in core/bundle/shims/node. */
export const nodeShims = [
  'assert',
  'assert-strict',
  'buffer',
  'crypto',
  'events',
  'fs',
  'fs-promises',
  'path',
  'process',
  'punycode',
  'querystring',
  'stream',
  'stream-promises',
  'string_decoder',
  'timers',
  'timers-promises',
  'url',
  'util',
];

const common = {
  absWorkingDir: root,
  bundle: true,
  target: 'es2023',
  mainFields: ['browser', 'module', 'main'],
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'silent',
  write: false,
  outdir: join(root, 'dist'),
};

/** Settings for esbuild, one for each file. Not in a folder node_modules: electron-builder leaves out every folder of that name. */
export const shimBuilds = [
  ...Object.entries(scripts).map(([name, file]) => ({
    ...common,
    platform: 'neutral',
    format: 'iife',
    minifyIdentifiers: minified.includes(name),
    entryPoints: { [`shims/${name}`]: `${scriptsDir}/${file}` },
  })),
  ...nodeShims.map((name) => ({
    ...common,
    platform: 'browser',
    format: 'cjs',
    // Each module exists once: a module that needs another one requires it by name.
    external: nodeShims.filter((other) => other !== name),
    entryPoints: { [`shims/node/${name}`]: `${scriptsDir}/node/${name}.cjs` },
  })),
];

export const shimOutputs = shimBuilds.flatMap(({ entryPoints }) =>
  Object.keys(entryPoints).map((name) => `${name}.js`),
);

/** The exports of each of Node's modules here, for warnings: JSON of names by module. `files` are the built modules. */
export function membersOf(files) {
  const texts = new Map(files.map(({ path, text }) => [/([^/]+)\.js$/.exec(path)?.[1], text]));
  const loaded = new Map();
  const require = createRequire(import.meta.url);
  const { inspect, format } = require('node:util');
  const load = (name) => {
    const bare = name.replace(/\/$/, '');
    if (!texts.has(bare)) return require(name);
    if (loaded.has(bare)) return loaded.get(bare).exports;
    const module = { exports: {} };
    loaded.set(bare, module);
    // The guest's globals that the shims' modules use while they load.
    const guest = {
      [Symbol.for('firstlight.inspect')]: { inspect, format },
      [Symbol.for('firstlight.buffer')]: require('node:buffer'),
    };
    const global = new Proxy(globalThis, { get: (target, key) => guest[key] ?? target[key] });
    new Function('module', 'exports', 'require', 'globalThis', texts.get(bare))(module, module.exports, load, global);
    return module.exports;
  };
  const buffer = ['Buffer', 'SlowBuffer', 'kMaxLength', 'INSPECT_MAX_BYTES', 'atob', 'btoa', 'isAscii', 'isUtf8'];
  const names = (name) => (name === 'buffer' ? buffer : name === 'process' ? [] : Object.keys(load(name)));
  return JSON.stringify(Object.fromEntries([...texts.keys()].map((name) => [name, names(name)])));
}
