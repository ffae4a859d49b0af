export { emptyMain, libraryCode, mainCalling, openWorkshop, type Workshop } from './compile.ts';
