/** Warns of functions that may start processes, where only one can run. */
import type { Metafile } from 'esbuild';
import type { Problem } from '#shared/errors.ts';
import { placeIn } from './check-inputs.ts';

/** Node's modules whose only use is processes. `worker_threads` starts threads, which do run. */
const modules = /^(?:node:)?(?:child_process|cluster)$/;
const packageName = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//;

/** A warning for each file of the bundle that imports a module for processes: a project's own first. */
export async function warnOfProcesses(projectDir: string, { inputs, outputs }: Metafile): Promise<Problem[]> {
  const used = new Set(
    Object.values(outputs).flatMap((output) =>
      Object.entries(output.inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
    ),
  );
  const found = Object.entries(inputs).flatMap(([importer, input]) => {
    const specifier = input.imports.find(({ external, path }) => external && modules.test(path))?.path;
    return specifier === undefined || !used.has(importer) ? [] : [{ importer, specifier }];
  });
  found.sort((a, b) => Number(packageName.test(a.importer)) - Number(packageName.test(b.importer)));
  return await Promise.all(
    found.map(async ({ importer, specifier }): Promise<Problem> => {
      const place = await placeIn(projectDir, importer, specifier);
      return { severity: 'warning', message: wordsFor(importer, specifier), ...place };
    }),
  );
}

function wordsFor(importer: string, specifier: string): string {
  const name = packageName.exec(importer)?.[1];
  const what =
    name === undefined
      ? `"${specifier}" starts other processes.`
      : `The package "${name}" can start other processes, and may never do so: it imports "${specifier}".`;
  return (
    `${what} The guest runs one process, and a call to start another fails there. Do such work in the function itself, ` +
    'in worker threads, or by a library in place of the tool.'
  );
}
