export { bytesFile, hostFile } from './trees.ts';
