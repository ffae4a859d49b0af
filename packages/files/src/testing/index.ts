export { type RunToolOptions, runTool } from './run-tool.ts';
export { bytesFile, hostFile } from './trees.ts';
