import type { NanosConfig } from './options.ts';

/** True when the klib strace has to be loaded. */
export const needsStrace = ({ debug, options }: NanosConfig): boolean =>
  debug.strace || options.debugsyscalls === true || options.syscall_summary === true;

/** True when the kernel prints its trace, system calls or missing files among the program's lines. */
export const hasDiagnostics = ({ debug, options }: NanosConfig): boolean =>
  debug.strace ||
  debug.trace ||
  debug.missingFiles ||
  [options.debugsyscalls, options.syscall_summary, options.trace, options.missing_files].some(Boolean);
