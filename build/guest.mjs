/**
 * Builds Ember, the guest kernel, and the floor guest; the result is cached by the content of all inputs.
 *
 * As a program: `node build/guest.mjs [cacheDir]` builds the missing parts and prints the kernel's path.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildEngine, defaultCacheDir } from './guest/engine.mjs';
import { buildFirmware, buildFloor, flagsFor, linkKernel } from './guest/link.mjs';
import { compile, guestDir, hashOf, loopFlags, publish, sourcesIn, toolStamp, tools } from './guest/tools.mjs';
import { findLwip } from './lwip.mjs';
import { root } from './script.mjs';

const wasmPath = path.join(root, 'node_modules/quickjs-wasi/quickjs.wasm');
/** The files of this build, on which its result depends too. */
const recipes = ['guest.mjs', ...['engine', 'link', 'tools'].map((name) => `guest/${name}.mjs`)];

const kernelDirs = ['kernel', 'boot', 'mm', 'dev', 'rt'];
/** The folders of the kernel for functions that ask for the network, which it has beside the others. */
const networkDirs = ['net', 'http'];

function inputsHash(found, lwip) {
  const files = sourcesIn(
    ...[...kernelDirs, 'rt/include', 'floor', 'firmware'],
    ...[...networkDirs, 'net/include', 'net/include/arch'],
  );
  return hashOf([
    lwip?.version ?? '',
    ...Object.values(found).map(toolStamp),
    ...recipes.map((name) => readFileSync(path.join(root, 'build', name))),
    readFileSync(wasmPath),
    ...files.flatMap((file) => [file, readFileSync(path.join(guestDir, file))]),
  ]);
}

/**
 * The guest kernels and the floor guest, built if their sources or tools have changed. `networkKernelPath` is null where
 * the source of lwIP has not been fetched (build/lwip.mjs).
 *
 * @param {{cacheDir?: string, log?: (line: string) => void}} options
 * @returns {Promise<{kernelPath: string, symbolsPath: string, networkKernelPath: string | null, networkSymbolsPath: string | null, floorPath: string, firmwarePath: string, hash: string, built: boolean}>}
 */
export async function buildGuest({ cacheDir = defaultCacheDir, log = () => {} } = {}) {
  const found = tools();
  const lwip = findLwip();
  const hash = inputsHash(found, lwip);
  const dir = path.join(cacheDir, hash);
  const result = {
    kernelPath: path.join(dir, 'ember.elf'),
    symbolsPath: path.join(dir, 'ember.debug'),
    networkKernelPath: lwip && path.join(dir, 'ember-net.elf'),
    networkSymbolsPath: lwip && path.join(dir, 'ember-net.debug'),
    floorPath: path.join(dir, 'floor.elf'),
    firmwarePath: path.join(dir, 'firmware.rom'),
    hash,
  };
  const { kernelPath, symbolsPath, networkKernelPath, networkSymbolsPath, floorPath, firmwarePath } = result;
  const files = [kernelPath, symbolsPath, networkKernelPath, networkSymbolsPath, floorPath, firmwarePath];
  if (files.every((file) => file === null || existsSync(file))) return { ...result, built: false };
  // Callers during a build wait for that build.
  building.set(
    dir,
    building.get(dir) ?? build({ found, lwip, cacheDir, dir, log }).finally(() => building.delete(dir)),
  );
  await building.get(dir);
  log(`guest: built ${result.kernelPath}`);
  return { ...result, built: true };
}

const building = new Map();

/** The results of an asynchronous function for each item, two at a time. Ends with the first error, when nothing runs any more. */
async function mapInPairs(items, work) {
  const results = [];
  for (let i = 0; i < items.length; i += 2) {
    const settled = await Promise.allSettled(items.slice(i, i + 2).map(work));
    const failed = settled.find(({ status }) => status === 'rejected');
    if (failed) throw failed.reason;
    results.push(...settled.map(({ value }) => value));
  }
  return results;
}

/** Whether a file of ring 3 is compiled differently for the kernel with the network. */
const usesNetwork = (file) => /#include "\.\.\/net\/net\.h"/.test(readFileSync(path.join(guestDir, file), 'utf8'));

/**
 * The object files to compile for both kernels.
 *
 * Shape: `{ source, object, flags, kernels }`: `source` is an absolute path, `object` a name, `kernels` the kernels that have it.
 */
function listObjects(engine, lwip) {
  const compiled = (...dirs) => sourcesIn(...dirs).filter((name) => /\.[cS]$/.test(name));
  const objectOf = (file, prefix, flags, kernels) => ({
    source: path.join(guestDir, file),
    object: `${prefix}${file.replaceAll(/[/.]+/g, '-')}.o`,
    flags: [...flags, ...flagsFor(file, engine)],
    kernels,
  });
  const common = compiled(...kernelDirs);
  if (lwip === null) return common.map((file) => objectOf(file, '', [], ['ember']));
  const include = [`-I${guestDir}/net/include`, `-I${guestDir}/net`, `-I${lwip.dir}/src/include`];
  const withNetwork = ['-DEMBER_NETWORK'];
  return [
    ...common.flatMap((file) =>
      usesNetwork(file)
        ? [objectOf(file, '', [], ['ember']), objectOf(file, 'net-', withNetwork, ['ember-net'])]
        : [objectOf(file, '', [], ['ember', 'ember-net'])],
    ),
    ...compiled(...networkDirs).map((file) => objectOf(file, 'net-', [...withNetwork, ...include], ['ember-net'])),
    ...lwip.sources.map((source) => ({
      source,
      object: `lwip-${path.relative(lwip.dir, source).replaceAll(/[/.]+/g, '-')}.o`,
      flags: [...include, '-O2', '-g', '-w', ...loopFlags],
      kernels: ['ember-net'],
    })),
  ];
}

async function build({ found, lwip, cacheDir, dir, log }) {
  await mkdir(cacheDir, { recursive: true });
  const engine = await buildEngine(readFileSync(wasmPath), { found, cacheDir, log });
  const work = await mkdtemp(`${dir}.`);
  try {
    log('guest: compiling the kernels');
    const objects = listObjects(engine, lwip);
    await mapInPairs(objects, ({ source, object, flags }) =>
      compile(found.gcc, source, path.join(work, object), flags),
    );
    const engineObject = path.join(engine, 'qjs.o');
    const link = (kernel) =>
      linkKernel({
        found,
        objects: [
          engineObject,
          ...objects.filter(({ kernels }) => kernels.includes(kernel)).map(({ object }) => path.join(work, object)),
        ],
        work,
        output: path.join(work, `${kernel}.elf`),
        symbols: path.join(work, `${kernel}.debug`),
      });
    await mapInPairs(lwip === null ? ['ember'] : ['ember', 'ember-net'], link);
    await mapInPairs([buildFirmware, buildFloor], (make) => make({ found, work }));
    for (const name of readdirSync(work)) if (!/\.(elf|debug|rom)$/.test(name)) await rm(path.join(work, name));
    await publish(work, dir);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * Links a program of the tests with ring 0, in place of Ember's ring 3.
 *
 * @param {{source: string, output: string}} options `source` is relative to `guest/` and defines `ember_main` and `trap`.
 */
export async function linkTestKernel({ source, output }) {
  const found = tools();
  const work = await mkdtemp(`${output}.`);
  try {
    const support = ['boot/context.S', 'dev/serial.c', 'rt/format.c', 'rt/memory.c'];
    const objects = [];
    for (const file of [...sourcesIn('kernel').filter((name) => /\.[cS]$/.test(name)), ...support, source]) {
      const object = path.join(work, `${file.replaceAll('/', '-')}.o`);
      await compile(found.gcc, path.join(guestDir, file), object, flagsFor(file, work));
      objects.push(object);
    }
    await linkKernel({ found, objects, work, output });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const cacheDir = process.argv[2] ? path.resolve(process.argv[2]) : undefined;
  try {
    const { kernelPath } = await buildGuest({ ...(cacheDir && { cacheDir }), log: (line) => console.error(line) });
    console.log(kernelPath);
  } catch (error) {
    console.error(error.stderr || error.message);
    process.exitCode = 4;
  }
}
