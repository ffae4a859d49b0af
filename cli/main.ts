#!/usr/bin/env node
// The program is loaded by code that can report a failure to load it: its modules are files, opened side by side.
import type * as ioModule from './io.ts';
import type * as programModule from './program.ts';

const [{ createProcessIo }, { main }] = await load();
const exitCode = await main(process.argv.slice(2), createProcessIo());
// Output that a pipe has not taken yet would be lost: a long listing for a program that reads slowly.
for (const output of [process.stdout, process.stderr]) {
  await new Promise<void>((resolve) => output.write('', () => resolve()));
}
// A connection or timer that is still open is not needed once the command's output is printed.
process.exit(exitCode);

/** Ends the process where the system opens no more files for it. */
async function load(): Promise<[typeof ioModule, typeof programModule]> {
  try {
    return await Promise.all([import('./io.ts'), import('./program.ts')]);
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code !== 'EMFILE' && code !== 'ENFILE') throw thrown;
    const error = {
      code: 'STORE_UNUSABLE',
      message: `Could not load Firstlight: ${message}.`,
      hint: 'Allow more open files (ulimit -n 4096), or close programs that keep many open.',
    };
    if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ error })}\n`);
    else process.stderr.write(`error[${error.code}] ${error.message}\nhint ${error.hint}\n`);
    process.exit(3);
  }
}
