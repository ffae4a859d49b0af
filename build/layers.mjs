// The import rules of docs/architecture.md, as data, and their check for `npm run lint`.
import { readdirSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

/** Our packages, by their names in imports. */
const packageNames = ['node-libvirt', 'files', 'elf', 'tar', 'oci', 'tfs', 'disk'].map((name) =>
  name === 'node-libvirt' ? name : `@firstlight/${name}`,
);

/** The layers of the format packages, made from the packages that each may use. */
function formatLayers(uses) {
  return Object.entries(uses).map(([name, others]) => ({
    folder: `packages/${name}`,
    may: others.map((other) => `@firstlight/${other}`),
    node: true,
  }));
}

/**
 * Each layer: its folder, our folders and packages that it may import, and whether it may use Node's modules.
 * The first entry whose folder contains a file is that file's layer, so narrower folders come first.
 */
export const layers = [
  { folder: 'packages/node-libvirt', may: [], node: true },
  ...formatLayers({
    files: [],
    elf: ['files'],
    tar: ['files'],
    oci: ['files', 'tar'],
    tfs: ['files'],
    disk: ['files', 'tfs'],
  }),
  { folder: 'shared', may: [], node: false },
  { folder: 'core', may: ['shared', ...packageNames], node: true },
  { folder: 'host', may: ['core', 'shared'], node: true },
  { folder: 'cli', may: ['core', 'host', 'shared', ...packageNames], node: true },
  { folder: 'electron/main', may: ['core', 'shared', 'electron/preload'], node: true },
  { folder: 'electron/preload', may: ['shared/contract', 'shared/model', 'shared/errors.ts'], node: false },
  { folder: 'renderer/ui', may: ['shared/errors.ts', 'shared/format.ts'], node: false },
  { folder: 'renderer/state', may: ['shared'], node: false },
  // Code that features share is in state, bind and ui; studio.ts combines the features' flows.
  { folder: 'renderer/bind', may: ['shared', 'renderer/state', 'renderer/ui', 'renderer/studio.ts'], node: false },
  {
    folder: 'renderer/features',
    may: ['shared', 'renderer/state', 'renderer/bind', 'renderer/ui', 'renderer/studio.ts'],
    node: false,
  },
  { folder: 'renderer/studio.ts', may: ['shared', 'renderer/state', 'renderer/features'], node: false },
  { folder: 'renderer', may: ['shared'], node: false },
];

/**
 * The rooms of core, upwards, and the rooms below that each may import. Any other edge is an error of `npm run lint`.
 * Each folder of `runtimes` is a separate room: one runtime never imports another, and only the composition root names
 * them.
 */
export const coreRooms = {
  store: [],
  exec: ['store'],
  config: ['store'],
  vmm: ['store', 'exec'],
  runtime: ['store', 'vmm'],
  programs: ['store', 'exec', 'config', 'runtime'],
  bundle: ['store', 'config', 'runtime', 'programs'],
  'runtimes/*': ['store', 'exec', 'vmm', 'runtime', 'programs', 'bundle'],
  images: ['store', 'runtime', 'bundle'],
  imports: ['store', 'config', 'runtime', 'programs'],
  volumes: ['store', 'runtime'],
  metrics: ['store', 'vmm'],
  instances: ['store', 'vmm', 'runtime', 'bundle', 'images', 'metrics'],
  gateway: ['store', 'instances'],
  doctor: ['store', 'exec', 'vmm', 'runtime'],
  projects: ['store', 'config', 'runtime'],
  deploy: ['store', 'exec', 'vmm', 'runtime', 'bundle', 'images'],
  engine: [
    ...['store', 'vmm', 'runtime', 'bundle', 'runtimes/*', 'images', 'imports', 'volumes'],
    ...['metrics', 'instances', 'gateway', 'doctor', 'projects', 'deploy'],
  ],
};

const spawners = ['child_process', 'node:child_process', 'execa'];

/** Files that may start processes: core's one place, the client library's own daemon start, and nothing else. */
const mayStartProcesses = (path) =>
  path.startsWith('core/exec/') || /^packages\/node-libvirt\/src\/[^/]*(spawn|daemon)[^/]*\.ts$/.test(path);

/**
 * The reason why a file may not import a target, or null.
 *
 * Shape: `path` and `target` are relative to the root with `/`; `target` is a file of ours, or a package's or Node module's name.
 */
export function judgeImport(path, target) {
  const packageName = barePackageOf(target);
  if (packageName === 'electron' && !path.startsWith('electron/')) return "only electron/ may import 'electron'";
  // Tests, scripts and the bundler's settings may import fixtures, Node, and the other side of the code that they test.
  if (isTest(path)) return null;
  if (spawners.includes(target) && !mayStartProcesses(path)) return 'only core/exec may start processes';
  const layer = layerOf(path);
  if (!layer) return null;
  if (isNodeModule(target)) return layer.node ? null : `${layer.folder} knows no Node`;
  if (packageNames.includes(packageName))
    return layer.may.includes(packageName) ? null : `${layer.folder} may not import ${packageName}`;
  if (packageName) return null;
  if (/^(test|build)\//.test(target)) return `nothing imports ${target.split('/')[0]}/`;
  const feature = featureOf(path);
  const otherFeature = featureOf(target);
  if (feature && otherFeature && feature !== otherFeature) return 'renderer features never import each other';
  const isAllowed = [layer.folder, ...layer.may].some((folder) => isWithin(target, folder));
  if (!isAllowed) return `${layer.folder} may import only ${[layer.folder, ...layer.may].join(', ')}`;
  return judgeRooms(roomOf(path), roomOf(target));
}

/** The reason why one room of core may not import another, or null. */
function judgeRooms(from, to) {
  if (from === undefined || to === undefined || from === to) return null;
  const may = coreRooms[ruleOf(from)];
  if (!may) return `core/${from} is in no row of coreRooms (build/layers.mjs)`;
  if (may.includes(ruleOf(to))) return null;
  return `core/${from} may import only ${may.join(', ') || 'nothing else of core'} (coreRooms in build/layers.mjs)`;
}

/** The room of a file of core: its folder, and below `runtimes` the folder of one runtime. */
export const roomOf = (path) => /^core\/(runtimes\/[^/]+(?=\/)|[^/]+(?=\/))/.exec(path)?.[1];
const ruleOf = (room) => room.replace(/^runtimes\/.*/, 'runtimes/*');

const isTest = (path) =>
  /^(test|guest\/test|build)\//.test(path) ||
  /\.test\.tsx?$|(^|\/)vite\.config\.ts$/.test(path) ||
  /(^|\/)testing\//.test(path);
const isWithin = (path, folder) => path === folder || path.startsWith(`${folder}/`);
const layerOf = (path) => layers.find((layer) => isWithin(path, layer.folder));
const featureOf = (path) => /^renderer\/features\/([^/]+)\//.exec(path)?.[1];
const isNodeModule = (target) => target.startsWith('node:') || target === 'child_process';

/** The package of a bare import (`@scope/name` or `name`), or undefined for a file of ours or a Node module. */
function barePackageOf(target) {
  if (target.startsWith('node:')) return undefined;
  const isOurs = /^(shared|core|host|cli|electron|renderer|test|build|packages|assets|dist)\//.test(target);
  return isOurs ? undefined : /^(@[^/]+\/)?[^/]+/.exec(target)?.[0];
}

/** The target of an import in `path`: one of our paths relative to the root, or the package or module named. */
export function resolveImport(path, specifier) {
  const plain = specifier.replace(/\?.*$/, '');
  if (plain.startsWith('#')) return plain.slice(1);
  if (plain.startsWith('.')) return posix.normalize(posix.join(posix.dirname(path), plain));
  return plain;
}

/**
 * Every import of a source text: static, re-exported, dynamic, type-only, `import('…')` types and `require`.
 *
 * Shape: `[{ specifier, line }]`. Errors: throws with the file's name when it cannot be parsed.
 */
export function listImports(parseSync, path, text) {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0].message}`);
  const found = [];
  const add = (literal) => {
    if (typeof literal?.value !== 'string') return;
    found.push({ specifier: literal.value, line: text.slice(0, literal.start).split('\n').length });
  };
  const visit = (node) => {
    if (!node || typeof node !== 'object') return;
    if (Array.isArray(node)) return node.forEach(visit);
    if (/^(Import|Export(Named|All))Declaration$|^ImportExpression$|^TSImportType$/.test(node.type)) add(node.source);
    if (node.type === 'CallExpression' && node.callee.name === 'require') add(node.arguments[0]);
    if (node.type === 'TSExternalModuleReference') add(node.expression);
    for (const key of Object.keys(node)) visit(node[key]);
  };
  visit(program);
  return found;
}

/** Lists every TypeScript file of the project under `root`, and the scripts of build/. Shape: paths relative to `root`, with `/`. */
export function listSources(root) {
  const folders = [...new Set(layers.map((layer) => layer.folder.split('/')[0])), 'test', 'guest', 'build'];
  const skipped = /(^|\/)(node_modules|dist)(\/|$)/;
  return folders
    .flatMap((folder) => {
      try {
        return readdirSync(join(root, folder), { recursive: true }).map((name) => posix.join(folder, name));
      } catch (error) {
        if (error.code === 'ENOENT') return [];
        throw error;
      }
    })
    .filter((path) => /(?<!\.d)\.tsx?$|^build\/.*\.mjs$/.test(path) && !skipped.test(dirname(path)));
}

/**
 * Every import that breaks a rule.
 *
 * @param {{ path: string, line: number, specifier: string }[]} imports
 * @returns {{ path: string, line: number, specifier: string, reason: string }[]}
 */
export function checkLayers(imports) {
  return imports.flatMap(({ path, line, specifier }) => {
    const reason = judgeImport(path, resolveImport(path, specifier));
    return reason ? [{ path, line, specifier, reason }] : [];
  });
}
