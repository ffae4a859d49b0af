export { emptyMain, libraryCode, mainCalling, openWorkshop, type Workshop } from './compile.ts';
export { fuzzTargets } from './fuzz-targets.ts';
