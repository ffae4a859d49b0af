/**
 * Builds Ember, the guest kernel, and the floor guest; the result is cached by the content of all inputs.
 *
 * As a program: `node build/guest.mjs [cacheDir]` builds the missing parts and prints the kernel's path.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findLwip } from './lwip.mjs';

const run = promisify(execFile);
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const guestDir = path.join(root, 'guest');
const wasmPath = path.join(root, 'node_modules/quickjs-wasi/quickjs.wasm');
const defaultCacheDir = path.join(root, '.cache/guest');

const commonFlags = [
  '-std=gnu11',
  '-ffreestanding',
  '-nostdinc',
  '-fno-pic',
  '-fno-pie',
  '-mcmodel=small',
  '-mno-red-zone',
  '-fno-stack-protector',
  '-fcf-protection=none',
  '-fno-asynchronous-unwind-tables',
  '-fomit-frame-pointer',
  '-fno-strict-aliasing',
  '-fno-delete-null-pointer-checks',
  '-fno-math-errno',
  '-march=x86-64',
  '-mtune=generic',
  '-ffunction-sections',
  '-fdata-sections',
];
// A loop in memcpy or strlen must not become a call of memcpy or strlen.
const loopFlags = ['-fno-tree-loop-distribute-patterns'];
// With what a debugger needs, which is kept in a file of its own.
const kernelFlags = ['-O2', '-g', '-Wall', '-Wextra', '-Wno-array-bounds', ...loopFlags];
// Ring 0 may be interpreted instruction by instruction, by an interpreter without SSE.
const ringZeroFlags = ['-mgeneral-regs-only'];
const engineFlags = ['-O2', '-fconserve-stack', '-w', ...loopFlags];

/** The path of the tool. Errors: throws an Error with the way to get it. */
function findTool(name, debianPackage) {
  for (const dir of (process.env.PATH ?? '').split(':')) {
    const file = path.join(dir, name);
    if (dir && existsSync(file)) return realpathSync(file);
  }
  throw new Error(
    `${name} is needed to build the guest kernel and was not found. On Debian: apt-get install ${debianPackage}`,
  );
}

function tools() {
  return {
    gcc: findTool('gcc', 'gcc'),
    ld: findTool('ld', 'binutils'),
    nm: findTool('nm', 'binutils'),
    wasm2c: findTool('wasm2c', 'wabt'),
  };
}

function sourcesIn(...dirs) {
  return dirs
    .flatMap((dir) => readdirSync(path.join(guestDir, dir), { withFileTypes: true }).map((entry) => ({ dir, entry })))
    .filter(({ entry }) => entry.isFile() && /\.(c|h|S|ld)$/.test(entry.name))
    .map(({ dir, entry }) => path.join(dir, entry.name))
    .sort();
}

/** The version of a tool, from its file's size and time: starting each tool would take longer than the whole check. */
function toolStamp(file) {
  const { size, mtimeMs } = statSync(file);
  return `${file} ${size} ${mtimeMs}`;
}

function hashOf(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex').slice(0, 32);
}

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
    readFileSync(fileURLToPath(import.meta.url)),
    readFileSync(wasmPath),
    ...files.flatMap((file) => [file, readFileSync(path.join(guestDir, file))]),
  ]);
}

/** The address of linear memory in `layout.h`. */
function readLinearBase() {
  const base = /^#define EMBER_LINEAR_BASE (\S+)$/m.exec(
    readFileSync(path.join(guestDir, 'boot/layout.h'), 'utf8'),
  )?.[1];
  if (base === undefined) throw new Error('guest/boot/layout.h defines no EMBER_LINEAR_BASE.');
  return base;
}

/** Fits wasm2c's output to the guest: linear memory at a constant address, and no initial heap (the image has one). */
function fitEngine(source, linearBase) {
  const edits = [
    [/^ *LOAD_DATA\(instance->w2c_memory, .*\n/gm, ''],
    [/&mem->data\[addr\]/g, `(u8*)${linearBase} + addr`],
    [/^ *wasm_asm\("" ::"r"\(result\)\);.*\n/gm, ''],
  ];
  let text = source;
  for (const [pattern, replacement] of edits) {
    const next = text.replace(pattern, replacement);
    if (next === text)
      throw new Error(`wasm2c's output has changed: ${pattern} matches nothing. Ember is made for wabt 1.0.32.`);
    text = next;
  }
  return keepPlaceOfLoops(text);
}

/** The jumps at which QuickJS asks whether it should go on: three unconditional ones, four with a condition. */
const interruptibleJumps = 7;

/**
 * An interrupted loop is reported at its jump back. QuickJS has jumped by then, and reports the instruction before the
 * loop. In the interpreter, `p6` is the place in the bytecode before the jump and `l8` the one after it.
 */
function keepPlaceOfLoops(source) {
  const poll = /static u32 (w2c_f\d+)\(Z_qjs_instance_t\* instance, u32 w2c_p0\) \{[^}]*= 10000u;/.exec(source)?.[1];
  const jump = new RegExp(
    `(w2c_l8 = w2c_i1;\\s+w2c_i1 = w2c_l7;\\s+w2c_i1 = ${poll}\\(instance, w2c_i1\\);\\s+if \\(w2c_i1\\) \\{)(goto w2c_B26;\\})`,
    'g',
  );
  let jumps = 0;
  const text = source.replace(jump, (_, before, after) => {
    jumps++;
    return `${before}w2c_l8 = w2c_p6; ${after}`;
  });
  if (jumps !== interruptibleJumps)
    throw new Error(`QuickJS has changed: ${jumps} jumps in place of ${interruptibleJumps} ask for interrupts.`);
  return text;
}

/** The cache path of the compiled engine: a hash of its own inputs, as it takes the most time and seldom changes. */
function engineDirOf(found, wasm, cacheDir) {
  const inputs = [
    ...Object.values(found).map(toolStamp),
    fitEngine.toString(),
    keepPlaceOfLoops.toString(),
    commonFlags.join(' '),
    engineFlags.join(' '),
    wasm,
    ...sourcesIn('rt/include').map((file) => readFileSync(path.join(guestDir, file))),
    readLinearBase(),
  ];
  return path.join(cacheDir, 'engine', hashOf(inputs));
}

/** Whether the engine for this WebAssembly module is compiled and cached. */
export function hasEngine(wasm, { cacheDir = defaultCacheDir } = {}) {
  return existsSync(path.join(engineDirOf(tools(), wasm, cacheDir), 'qjs.o'));
}

/**
 * Compiles the engine to an object file in the cache, and returns the directory of `qjs.o` and `qjs.h`.
 *
 * Shape: `wasm` is the content of quickjs-wasi's module.
 */
export async function buildEngine(wasm, { found = tools(), cacheDir = defaultCacheDir, log = () => {} } = {}) {
  const dir = engineDirOf(found, wasm, cacheDir);
  if (existsSync(path.join(dir, 'qjs.o'))) return dir;
  await mkdir(path.dirname(dir), { recursive: true });
  const work = await mkdtemp(`${dir}.`);
  try {
    log('guest: translating QuickJS to C');
    await writeFile(path.join(work, 'qjs.wasm'), wasm);
    await run(found.wasm2c, [path.join(work, 'qjs.wasm'), '-n', 'qjs', '-o', path.join(work, 'qjs.c')]);
    const source = await readFile(path.join(work, 'qjs.c'), 'utf8');
    await writeFile(path.join(work, 'qjs.c'), fitEngine(source, readLinearBase()));
    const started = Date.now();
    const tick = setInterval(
      () => log(`guest: compiling QuickJS, ${Math.round((Date.now() - started) / 1000)} s (about 15 to 35 s, once)`),
      3000,
    );
    try {
      log('guest: compiling QuickJS (about 15 to 35 s, once)');
      await compile(found.gcc, path.join(work, 'qjs.c'), path.join(work, 'qjs.o'), [...engineFlags, `-I${work}`]);
    } finally {
      clearInterval(tick);
    }
    await rm(path.join(work, 'qjs.c'));
    await rm(path.join(work, 'qjs.wasm'));
    await publish(work, dir);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return dir;
}

/** Moves a finished directory into place; another build may have finished first, with the same result. */
async function publish(work, dir) {
  try {
    await rename(work, dir);
  } catch (error) {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  }
}

async function compile(gcc, source, object, flags) {
  const system = await gccInclude(gcc);
  await run(gcc, [
    ...commonFlags,
    ...flags,
    `-I${guestDir}/rt/include`,
    `-I${guestDir}/boot`,
    '-isystem',
    system,
    '-c',
    source,
    '-o',
    object,
  ]);
}

let gccIncludeDir;
/** gcc's own headers (stdint, stdarg): the only ones a freestanding program has. */
async function gccInclude(gcc) {
  gccIncludeDir ??= (await run(gcc, ['-print-file-name=include'])).stdout.trim();
  return gccIncludeDir;
}

/** The table that `guest/boot/symbols.c` searches, as assembler source. */
function symbolTable(nmOutput) {
  const symbols = nmOutput.split('\n').flatMap((line) => {
    const match = /^([0-9a-f]+) [tT] (\S+)$/.exec(line);
    return match ? [{ address: Number.parseInt(match[1], 16), name: match[2].replace(/^w2c_/, 'qjs:') }] : [];
  });
  symbols.sort((a, b) => a.address - b.address);
  const unique = symbols.filter((symbol, i) => symbol.address !== symbols[i - 1]?.address);
  const lines = [
    '.section .symbols, "a"',
    '.balign 4',
    '.globl symbol_table',
    'symbol_table:',
    `.long ${unique.length}`,
  ];
  const names = [];
  let offset = 0;
  for (const { address, name } of unique) {
    lines.push(`.long ${address}, ${offset}`);
    names.push(`.asciz "${name}"`);
    offset += name.length + 1;
  }
  return [...lines, ...names, '.section .note.GNU-stack, "", @progbits', ''].join('\n');
}

/** Ring 0's objects are called `kernel-…`: the linker script selects them by that name. */
const flagsFor = (file, engineDir) => {
  if (!file.endsWith('.c')) return [];
  return [...kernelFlags, ...(file.startsWith('kernel/') ? ringZeroFlags : [`-I${engineDir}`])];
};

/** Links a kernel. `symbols`, when given, is the file for what a debugger needs. */
async function linkKernel({ found, objects, work, output, symbols }) {
  const script = path.join(work, 'link.ld');
  await run(found.gcc, [
    '-E',
    '-P',
    '-x',
    'c',
    `-I${guestDir}/boot`,
    path.join(guestDir, 'boot/link.ld'),
    '-o',
    script,
  ]);
  const link = (table, to) =>
    run(found.ld, [
      '-nostdlib',
      '-static',
      '--gc-sections',
      '-z',
      'max-page-size=4096',
      '-z',
      'noexecstack',
      '--build-id=none',
      '-T',
      script,
      '-o',
      to,
      ...objects,
      table,
    ]);
  const assemble = async (text, name) => {
    await writeFile(path.join(work, `${name}.s`), text);
    await run(found.gcc, ['-c', path.join(work, `${name}.s`), '-o', path.join(work, `${name}.o`)]);
    return path.join(work, `${name}.o`);
  };
  // The table follows the code, so the code keeps its addresses when the table is filled in.
  const draft = path.join(work, 'draft.elf');
  await link(await assemble(symbolTable(''), 'symbols0'), draft);
  const { stdout } = await run(found.nm, [draft], { maxBuffer: 1 << 24 });
  await link(await assemble(symbolTable(stdout), 'symbols'), output);
  if (symbols !== undefined) await run('objcopy', ['--only-keep-debug', output, symbols]);
  await run('strip', ['--strip-all', output]);
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

/** Ember's firmware, as the ROM that lies at the end of 4 GiB. */
async function buildFirmware({ found, work }) {
  const object = path.join(work, 'firmware.o');
  const linked = path.join(work, 'firmware.linked');
  await run(found.gcc, ['-m32', '-c', `-I${guestDir}/boot`, path.join(guestDir, 'firmware/firmware.S'), '-o', object]);
  await run(found.ld, [
    '-m',
    'elf_i386',
    '-nostdlib',
    '-static',
    '--build-id=none',
    '-T',
    path.join(guestDir, 'firmware/link.ld'),
    '-o',
    linked,
    object,
  ]);
  await run('objcopy', ['-O', 'binary', linked, path.join(work, 'firmware.rom')]);
}

async function buildFloor({ found, work }) {
  const object = path.join(work, 'floor.o');
  const output = path.join(work, 'floor.elf');
  await compile(found.gcc, path.join(guestDir, 'floor/floor.S'), object, []);
  const layout = ['-z', 'max-page-size=4096', '--build-id=none', '-T', path.join(guestDir, 'floor/link.ld')];
  await run(found.ld, ['-nostdlib', '-static', ...layout, '-o', output, object]);
  await run('strip', ['--strip-all', output]);
}

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

async function build({ found, lwip, cacheDir, dir, log }) {
  await mkdir(cacheDir, { recursive: true });
  const engine = await buildEngine(readFileSync(wasmPath), { found, cacheDir, log });
  const work = await mkdtemp(`${dir}.`);
  try {
    log('guest: compiling the kernel');
    const compileAll = (files, prefix, flagsOf) =>
      mapInPairs(files, async (file) => {
        const object = path.join(work, `${prefix}${path.relative(guestDir, file).replaceAll(/[/.]+/g, '-')}.o`);
        await compile(found.gcc, file, object, flagsOf(path.relative(guestDir, file)));
        return object;
      });
    const sources = (...dirs) =>
      sourcesIn(...dirs)
        .filter((name) => /\.[cS]$/.test(name))
        .map((name) => path.join(guestDir, name));
    const engineObject = path.join(engine, 'qjs.o');
    const objects = await compileAll(sources(...kernelDirs), '', (file) => flagsFor(file, engine));
    const link = (kernel, parts) =>
      linkKernel({
        found,
        objects: [engineObject, ...parts],
        work,
        output: path.join(work, `${kernel}.elf`),
        symbols: path.join(work, `${kernel}.debug`),
      });
    await link('ember', objects);
    if (lwip) {
      log('guest: compiling the kernel with the network');
      const include = [`-I${guestDir}/net/include`, `-I${guestDir}/net`, `-I${lwip.dir}/src/include`];
      // Ring 0's objects are the same, and are selected by their name.
      const isRingZero = (file) => file.startsWith(`${guestDir}/kernel/`);
      const ours = sources(...kernelDirs, ...networkDirs).filter((file) => !isRingZero(file));
      const withNetwork = [
        ...objects.filter((object) => path.basename(object).startsWith('kernel-')),
        ...(await compileAll(ours, 'net-', (file) => [
          '-DEMBER_NETWORK',
          ...(/^(net|http)\//.test(file) ? include : []),
          ...flagsFor(file, engine),
        ])),
        ...(await compileAll(lwip.sources, 'lwip-', () => [...include, '-O2', '-g', '-w', ...loopFlags])),
      ];
      await link('ember-net', withNetwork);
    }
    await buildFirmware({ found, work });
    await buildFloor({ found, work });
    for (const name of readdirSync(work))
      if (!/\.(elf|debug|rom)$/.test(name) || name === 'draft.elf') await rm(path.join(work, name));
    await publish(work, dir);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * Links a program of the tests with ring 0, in place of Ember's ring 3.
 *
 * @param {{source: string, output: string}} options `source` is relative to `guest/` and defines `ember_main`, `trap` and `trap_stack_top`.
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
