#!/usr/bin/env node
import { createProcessIo } from './io.ts';
import { main } from './program.ts';

const exitCode = await main(process.argv.slice(2), createProcessIo());
// Output that a pipe has not taken yet would be lost: a long listing for a program that reads slowly.
for (const output of [process.stdout, process.stderr]) {
  await new Promise<void>((resolve) => output.write('', () => resolve()));
}
// A connection or timer that is still open is not needed once the command's output is printed.
process.exit(exitCode);
