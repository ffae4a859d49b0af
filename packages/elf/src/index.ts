export { type ByteSource, sourceOfBytes, withFileSource } from './byte-source.ts';
export type {
  Closure,
  ClosureFile,
  ClosureLibrary,
  ClosureOptions,
  ClosureProgram,
  MissingLibrary,
  Suggestion,
} from './closure.ts';
export { addClosureFile, closureToTree } from './closure-to-tree.ts';
export { ElfError, type ElfReason } from './elf-error.ts';
export { fileType, magic, segmentType, symbolType, x8664 } from './elf-numbers.ts';
export { type ForkReport, type ForkUse, findFork } from './find-fork.ts';
export type { FoundBy } from './library-search.ts';
export { importsOf, isPartOfLibc } from './object-names.ts';
export { type Elf, type ElfType, readElf } from './read-elf.ts';
export { readSections, type Section } from './read-sections.ts';
export {
  findNames,
  forEachSymbol,
  type RawSymbol,
  readSymbolName,
  type SymbolTable,
  symbolTables,
} from './read-symbols.ts';
export { resolveClosure } from './resolve-closure.ts';
export type { Segment } from './segment.ts';
