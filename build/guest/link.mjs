// The guest's programs, linked from object files: the kernels with their symbols, the floor guest and the firmware.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { compile, guestDir, loopFlags, run } from './tools.mjs';

// With what a debugger needs, which is kept in a file of its own.
const kernelFlags = ['-O2', '-g', '-Wall', '-Wextra', '-Wno-array-bounds', ...loopFlags];
// Ring 0 may be interpreted instruction by instruction, by an interpreter without SSE.
const ringZeroFlags = ['-mgeneral-regs-only'];

/** The name of a symbol for a person: without what wasm2c and gcc's optimizer of whole programs add. */
const readableName = (name) => name.replace(/^w2c_/, 'qjs:').replace(/\.lto_priv\.\d+/, '');

/** The table that `guest/boot/symbols.c` searches, as assembler source. */
function symbolTable(nmOutput) {
  const symbols = nmOutput.split('\n').flatMap((line) => {
    const match = /^([0-9a-f]+) [tT] (\S+)$/.exec(line);
    return match ? [{ address: Number.parseInt(match[1], 16), name: readableName(match[2]) }] : [];
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
export const flagsFor = (file, engineDir) => {
  if (!file.endsWith('.c')) return [];
  return [...kernelFlags, ...(file.startsWith('kernel/') ? ringZeroFlags : [`-I${engineDir}`])];
};

/** Links a kernel. `symbols`, when given, is the file for what a debugger needs. */
export async function linkKernel({ found, objects, work, output, symbols }) {
  const name = path.basename(output, '.elf');
  const script = path.join(work, `${name}.ld`);
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
  const assemble = async (text, part) => {
    await writeFile(path.join(work, `${part}.s`), text);
    await run(found.gcc, ['-c', path.join(work, `${part}.s`), '-o', path.join(work, `${part}.o`)]);
    return path.join(work, `${part}.o`);
  };
  // The table follows the code, so the code keeps its addresses when the table is filled in.
  const draft = path.join(work, `${name}.draft`);
  await link(await assemble(symbolTable(''), `${name}-symbols0`), draft);
  const { stdout } = await run(found.nm, [draft], { maxBuffer: 1 << 24 });
  await link(await assemble(symbolTable(stdout), `${name}-symbols`), output);
  if (symbols !== undefined) await run('objcopy', ['--only-keep-debug', output, symbols]);
  await run('strip', ['--strip-all', output]);
}

/** Ember's firmware, as the ROM that lies at the end of 4 GiB. */
export async function buildFirmware({ found, work }) {
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

export async function buildFloor({ found, work }) {
  const object = path.join(work, 'floor.o');
  const output = path.join(work, 'floor.elf');
  await compile(found.gcc, path.join(guestDir, 'floor/floor.S'), object, []);
  const layout = ['-z', 'max-page-size=4096', '--build-id=none', '-T', path.join(guestDir, 'floor/link.ld')];
  await run(found.ld, ['-nostdlib', '-static', ...layout, '-o', output, object]);
  await run('strip', ['--strip-all', output]);
}
