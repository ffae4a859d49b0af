import { expect, it } from 'vitest';
import { gdbSocketIn, writeGdbCommand } from './gdb-command.ts';

it('is a command for a shell, with symbols where there are some', () => {
  expect(writeGdbCommand(gdbSocketIn('/run/x'), '/a b/ember.debug')).toBe(
    "gdb '/a b/ember.debug' -ex 'set architecture i386:x86-64' -ex 'target remote /run/x/gdb/gdb.sock'",
  );
  expect(writeGdbCommand('/it’s', null)).toMatch(/^gdb -ex /);
});
