export { fuzzTargets } from './fuzz-targets.ts';
export { createRandom, mutate, type Random } from './mutate.ts';
export { type FuzzFailure, type FuzzOptions, type FuzzReport, type FuzzTarget, runFuzz } from './run-fuzz.ts';
export { type RunToolOptions, runTool } from './run-tool.ts';
export { bytesFile, hostFile } from './trees.ts';
