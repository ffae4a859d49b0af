import { join } from 'node:path';
import { writeDisk } from '@firstlight/disk';
import { bootNanos, nanosDir, nanosParts, skippedWithoutNanos } from '@firstlight/disk/testing';
import { closureToTree, resolveClosure } from '@firstlight/elf';
import { openWorkshop, type Workshop } from '@firstlight/elf/testing';
import { createFileTree } from '@firstlight/files';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runTool } from '../../../exec/run-tool.ts';
import { decodeCrash } from './decode-crash.ts';
import { consoleOf, consoleWith } from './testing/consoles.ts';

let shop: Workshop;
beforeAll(async () => {
  shop = await openWorkshop();
});
afterAll(() => shop.remove());

const faulty = `
#include <stdio.h>
volatile int *where = (int *)0x1234;
__attribute__((noinline)) static int inner(int n) { *where = n; return n + 1; }
__attribute__((noinline)) int outer(int n) { return inner(n * 2) + 3; }
int main(void) { puts("about to fault"); fflush(stdout); return outer(21); }
`;
const build = (name: string, ...flags: readonly string[]) =>
  shop.compile(name, faulty, '-O0', '-fno-omit-frame-pointer', ...flags);

/** The place of the fault in `inner`, and the return addresses in `outer` and `main`: as the file was linked. */
async function placesIn(path: string): Promise<bigint[]> {
  const { stdout } = await runTool('objdump', ['-d', '--no-show-raw-insn', path]);
  const lines = stdout.split('\n');
  const after = (pattern: RegExp) => {
    const at = lines.findIndex((line) => pattern.test(line));
    return BigInt(`0x${/^ *([0-9a-f]+):/.exec(lines[at + 1] ?? '')?.[1]}`);
  };
  return [after(/^[0-9a-f]+ <inner>:/), after(/call .*<inner>/), after(/call .*<outer>/)];
}

const names = async (text: string, path: string) => {
  const decoded = await decodeCrash(text, { program: { path: '/app', hostPath: path } });
  return decoded?.frames.map(({ object, symbol, isSure }) => `${object} ${symbol?.name}${isSure ? '' : '?'}`);
};
const wanted = ['/app inner', '/app outer', '/app main'];

describe('frames get the names of functions', () => {
  test('of a program at its linked address', async () => {
    const path = await build('fixed', '-no-pie');
    const text = consoleWith(await placesIn(path));
    expect(await names(text, path)).toEqual(wanted);
    const { stack, output } = (await decodeCrash(text, { program: { path: '/app', hostPath: path } })) ?? {};
    expect(stack).toMatch(/^SIGSEGV: .*\n {4}at inner \+ 0x\d+ \(\/app, 0x4\w+\)\n {4}at outer /);
    expect(output).toMatch(/^ *rax [0-9a-f]{16} +rbx /);
  });

  test('of a program at a random address, which the console does not tell', async () => {
    const path = await build('anywhere', '-pie');
    const places = (await placesIn(path)).map((place) => place + 0x553000n);
    expect(await names(consoleWith(places), path)).toEqual(wanted);
  });

  test('found on the stack where frame pointers lead nowhere, and said to be a guess', async () => {
    const path = await build('no-frames', '-no-pie');
    const [fault = 0n, ...returns] = await placesIn(path);
    const text = consoleWith(
      [fault, 0xbe55_2274_c085_4800n],
      [7n, returns[0] ?? 0n, fault, 0x5000_0000n, returns[1] ?? 0n],
    );
    expect(await names(text, path)).toEqual(['/app inner', '/app outer?', '/app main?']);
  });

  test('of C++ and Rust, as their source has them', async () => {
    const path = join(shop.dir, 'plusplus');
    const code = 'namespace mine { int inner(int n) { return n + 1; } }\nint main() { return mine::inner(1); }\n';
    await runTool('g++', ['-no-pie', '-O0', '-x', 'c++', '-o', path, '-'], { input: code });
    const { stdout } = await runTool('nm', [path]);
    const address = BigInt(`0x${/^(\w+) T _ZN4mine5innerEi$/m.exec(stdout)?.[1]}`);
    expect(await names(consoleWith([address + 4n]), path)).toEqual(['/app mine::inner(int)']);
  });

  test('not where the program is another one, is gone or is damaged', async () => {
    const path = await build('right', '-pie');
    const places = (await placesIn(path)).map((place) => place + 0x553000n);
    for (const other of [join(shop.dir, 'gone'), `${path}.c`]) {
      expect(await names(consoleWith(places), other)).toEqual(['null undefined', 'null undefined', 'null undefined']);
    }
  });

  test('said once when it is the same many times', async () => {
    const decoded = await decodeCrash(consoleOf('stack-full'), {});
    expect(decoded?.stack.split('\n').slice(1)).toEqual(['    at 0x401660', '    at 0x40168c, 32 times']);
  });
});

describe('a real guest', () => {
  test.skipIf(!nanosDir).each([
    ['static', ['-static']],
    ['pie', ['-pie']],
  ] as const)(
    `that faults is decoded: %s${skippedWithoutNanos}`,
    async (name, flags) => {
      const program = await build(`guest-${name}`, ...flags);
      const closure = await resolveClosure(program);
      const builder = createFileTree();
      closureToTree(closure, builder);
      const root = new Map([['program', closure.program.realPath]]);
      const path = join(shop.dir, `${name}.raw`);
      await writeDisk(path, { tree: builder.tree, root, digest: name, boot: nanosParts() });
      const { stdout } = await runTool(
        'qemu-system-x86_64',
        [
          '-machine',
          'pc,accel=tcg',
          '-m',
          '256',
          '-nographic',
          '-no-reboot',
          '-nic',
          'none',
          '-drive',
          `file=${path},format=raw,if=virtio`,
        ],
        { timeoutMs: 60_000 },
      );
      expect(stdout).toContain('about to fault');
      const decoded = await decodeCrash(stdout, { program: { path: '/app', hostPath: program } });
      expect(decoded).toMatchObject({ kind: 'user fault', address: 0x1234n });
      const found = decoded?.frames.map(({ object, symbol }) => `${object} ${symbol?.name}`);
      expect(found?.slice(0, 3)).toEqual(wanted);
    },
    90_000,
  );

  test.skipIf(!nanosDir)(
    `whose kernel crashes gets the kernel's names from kernel.elf${skippedWithoutNanos}`,
    async () => {
      // The kernel that printed this had its names; a kernel of a release has them in kernel.elf only.
      const builder = createFileTree();
      builder.add('/x', {
        kind: 'file',
        content: { kind: 'bytes', data: Buffer.from('#!/bin/sh\n'.repeat(50)) },
        bytes: 500,
      });
      const path = join(shop.dir, 'panic.raw');
      await writeDisk(path, {
        tree: builder.tree,
        root: new Map([
          ['arguments', '/x'],
          ['debug_exit', 't'],
        ]),
        digest: 'p',
        boot: nanosParts(),
      });
      const { output } = await bootNanos([{ path, format: 'raw' }]);
      const bare = output.replace(/\t\(.*\)$/gm, '');
      expect(bare).not.toBe(output);
      const decoded = await decodeCrash(bare, { kernelElf: join(nanosDir ?? '', 'kernel.elf') });
      const printed = [...output.matchAll(/^\w{16}: {3}\w{16}\t\((\w+) \+/gm)].map(([, name]) => name);
      expect(decoded?.frames.map(({ symbol }) => symbol?.name)).toEqual(printed);
      expect(decoded?.frames[0]).toMatchObject({ object: 'kernel' });
    },
    90_000,
  );
});
