export { bootNanos, compileStatic, nanosDir, nanosParts, skippedWithoutNanos } from './boot-nanos.ts';
export { fakeBootParts } from './boot-parts.ts';
export { fuzzTargets } from './fuzz-targets.ts';
