/**
 * Writes assets/firstlight.schema.json from the zod schema in shared/model/project.ts.
 *
 *   node build/generate-schema.mjs            write it
 *   node build/generate-schema.mjs --check    fail when the file is out of date
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'assets/firstlight.schema.json');

/** The JSON schema of firstlight.json, as text. */
export async function generateSchema() {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import { z } from 'zod';
        import { runtimes } from './core/engine/runtimes.ts';
        import { acceptedFileSchemaFor } from './shared/model/project.ts';
        export const schema = z.toJSONSchema(acceptedFileSchemaFor(runtimes), { target: 'draft-7', io: 'input' });`,
      resolveDir: root,
      loader: 'ts',
    },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    // The set-up of a runtime is loaded late: only its description is needed here.
    plugins: [
      {
        name: 'late',
        setup: ({ onResolve }) =>
          onResolve({ filter: /./ }, ({ kind }) => (kind === 'dynamic-import' ? { external: true } : null)),
      },
    ],
    logLevel: 'silent',
  });
  const code = Buffer.from(outputFiles[0].contents).toString('base64');
  const { schema } = await import(`data:text/javascript;base64,${code}`);
  const { $schema, ...rest } = schema;
  const titled = { $schema, title: 'firstlight.json', description: 'A function project of Firstlight.', ...rest };
  // Short lists on one line, as the formatter writes them.
  const text = JSON.stringify(titled, null, 2).replace(/\[\s+("[^"]*"(?:,\s+"[^"]*")*)\s+\]/g, (whole, list) => {
    const line = `[${list.replace(/,\s+/g, ', ')}]`;
    return line.length < 90 ? line : whole;
  });
  return `${text}\n`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const text = await generateSchema();
  if (process.argv.includes('--check')) {
    if (readFileSync(target, 'utf8') !== text) {
      console.error('assets/firstlight.schema.json is out of date: run node build/generate-schema.mjs');
      process.exitCode = 1;
    }
  } else {
    writeFileSync(target, text);
  }
}
