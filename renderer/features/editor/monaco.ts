/** The editor library with the parts that are used: TypeScript and JSON, each with its own worker file. */
import 'monaco-editor/features/register.all.js';
import 'monaco-editor/languages/definitions/typescript/register.js';
import 'monaco-editor/languages/definitions/javascript/register.js';
import 'monaco-editor/languages/definitions/markdown/register.js';
import * as monaco from 'monaco-editor/editor/editor.api.js';
import EditorWorker from 'monaco-editor/editor/editor.worker.js?worker';
import JsonWorker from 'monaco-editor/language/json/json.worker.js?worker';
import TypeScriptWorker from 'monaco-editor/language/typescript/ts.worker.js?worker';
import * as json from 'monaco-editor/languages/features/json/register.js';
import * as typescript from 'monaco-editor/languages/features/typescript/register.js';
import { z } from 'zod';
import { acceptedFileSchemaFor, configFileName } from '#shared/model/project.ts';
import type { RuntimeSection } from '#shared/model/runtime-options.ts';

export { monaco, typescript };

globalThis.MonacoEnvironment = {
  getWorker: (_id, label) => {
    if (label === 'json') return new JsonWorker();
    if (label === 'typescript' || label === 'javascript') return new TypeScriptWorker();
    return new EditorWorker();
  },
};

/** TypeScript's numbers for values that Monaco's enumerations lack. */
const moduleResolutionBundler = 100;
const targetEs2022 = 9;

for (const defaults of [typescript.typescriptDefaults, typescript.javascriptDefaults]) {
  defaults.setCompilerOptions({
    target: targetEs2022 as typescript.ScriptTarget,
    lib: ['lib.es2023.d.ts'],
    module: typescript.ModuleKind.ESNext,
    moduleResolution: moduleResolutionBundler as typescript.ModuleResolutionKind,
    moduleDetection: 3,
    strict: true,
    allowJs: true,
    noEmit: true,
    isolatedModules: true,
    resolveJsonModule: true,
    allowImportingTsExtensions: true,
    esModuleInterop: true,
    skipLibCheck: true,
  });
  // All open files of a project see each other, not only the one in front.
  defaults.setEagerModelSync(true);
}

/**
 * Lets the JSON service find the schema of `firstlight.json`, with these runtimes, at these addresses; it requests
 * no other schema.
 */
export function offerConfigSchema(addresses: readonly string[], runtimes: readonly RuntimeSection[]): void {
  const schema = z.toJSONSchema(acceptedFileSchemaFor(runtimes), { io: 'input' });
  json.jsonDefaults.setDiagnosticsOptions({
    validate: true,
    allowComments: true,
    enableSchemaRequest: false,
    schemas: addresses.map((uri, index) => ({
      uri,
      schema,
      ...(index === 0 && { fileMatch: [configFileName] }),
    })),
  });
}
