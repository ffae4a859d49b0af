#!/usr/bin/env node
import { createProcessIo } from './io.ts';
import { main } from './program.ts';

// A connection or timer that is still open has nothing left to do once the command's answer is printed.
process.exit(await main(process.argv.slice(2), createProcessIo()));
