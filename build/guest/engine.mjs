// QuickJS as an object file: its WebAssembly module, translated to C by wasm2c and fitted to the guest.
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../script.mjs';
import {
  commonFlags,
  compile,
  guestDir,
  hashOf,
  loopFlags,
  publish,
  run,
  sourcesIn,
  toolStamp,
  tools,
} from './tools.mjs';

export const defaultCacheDir = path.join(root, '.cache/guest');
const engineFlags = ['-O2', '-fconserve-stack', '-w', ...loopFlags];

/** The address of linear memory in `layout.h`. */
function readLinearBase() {
  const base = /^#define EMBER_LINEAR_BASE (\S+)$/m.exec(
    readFileSync(path.join(guestDir, 'boot/layout.h'), 'utf8'),
  )?.[1];
  if (base === undefined) throw new Error('guest/boot/layout.h defines no EMBER_LINEAR_BASE.');
  return base;
}

/**
 * Fits wasm2c's output to the guest: linear memory at a constant address, no initial heap (the image has one), and a
 * table of functions that is a constant, where wasm2c fills one at each start. Types have the module's own numbers.
 */
function fitEngine(source, linearBase) {
  const elements = /wasm_rt_allocate_funcref_table\(&instance->\w+, (\d+), /.exec(source)?.[1];
  const edits = [
    [/func_type == func_types\[ft\]/g, 'func_type == ft'],
    [/^( *\{\d+, \(wasm_rt_function_ptr_t\)&\w+, )(.+)\},$/gm, '$1(char *)&engine + $2},'],
    [
      /^static const wasm_elem_segment_expr_t elem_segment_exprs_w2c_e0\[\] = \{$/gm,
      `extern Z_qjs_instance_t engine;\nconst wasm_rt_funcref_t engine_table[${elements}] = {\n  {0, 0, 0},`,
    ],
    [/^ *funcref_table_init\(&instance->\w+, elem_segment_exprs_w2c_e0, \d+, 1u, 0, .*\n/gm, ''],
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
    // Its text, since a bundle of this file would have other texts for the same functions.
    readFileSync(path.join(root, 'build/guest/engine.mjs')),
    commonFlags.join(' '),
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
 * Compiles `qjs.c`, a single file that would keep one core busy for most of set-up: gcc reads it once, and optimizes two
 * halves side by side (its "link-time" optimization, ended with an ordinary object file).
 */
async function compileInParts(gcc, work) {
  const parsed = path.join(work, 'qjs-parsed.o');
  await compile(gcc, path.join(work, 'qjs.c'), parsed, [...engineFlags, `-I${work}`, '-flto']);
  const parts = ['-flto=2', '--param=lto-partitions=2', '-flto-partition=balanced'];
  const whole = ['-r', '-nostdlib', '-flinker-output=nolto-rel'];
  await run(gcc, [...commonFlags, ...engineFlags, ...parts, ...whole, parsed, '-o', path.join(work, 'qjs.o')]);
  await rm(parsed);
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
      await compileInParts(found.gcc, work);
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
