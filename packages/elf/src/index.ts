export { type ByteSource, sourceOfBytes, withFileSource } from './byte-source.ts';
export { addClosureFile, closureToTree } from './closure-to-tree.ts';
export { fileType, magic, segmentType, symbolType, x8664 } from './elf-numbers.ts';
export { findFork, forkWarnings } from './find-fork.ts';
export { missingLibraries } from './missing-libraries.ts';
export { importsOf, isPartOfLibc } from './object-names.ts';
export { type Elf, readElf, type Segment } from './read-elf.ts';
export { readSections, type Section } from './read-sections.ts';
export {
  findNames,
  forEachSymbol,
  type RawSymbol,
  readSymbolName,
  type SymbolTable,
  symbolTables,
} from './read-symbols.ts';
export { type Closure, resolveClosure } from './resolve-closure.ts';
