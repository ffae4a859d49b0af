export { fuzzTargets } from './fuzz-targets.ts';
export { elfHead, makeLayout } from './make-layout.ts';
