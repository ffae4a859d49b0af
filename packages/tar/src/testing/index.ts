export { fuzzTargets } from './fuzz-targets.ts';
export { makeTar, storedZstd, type TarInput } from './make-tar.ts';
