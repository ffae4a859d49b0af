import { skipCompiled, skipTools } from '#core/programs/add-files.ts';
import type { OwnPath, RuntimeBundling } from '#core/runtime/images.ts';
import type { Ask } from '#shared/model/ask.ts';
import type { Json } from '#shared/model/json.ts';
import { programKeys, programSourceKeys } from '#shared/model/program.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import { nanosConfigOf } from './options.ts';

/** The bundling for Nanos: a function for Node.js, or the files of a program. */
export const nanosBundling: RuntimeBundling = { engine: 'node', runsFunction, ownPaths, networkAsks, optionsInImage };

/** True when a handler is run, and not an existing program. */
export function runsFunction(config: ProjectConfig): boolean {
  return programSourceKeys.every((key) => config[key] === undefined);
}

/** The project's own files in the image, in the form that the sources take. */
function ownPaths(config: ProjectConfig): OwnPath[] {
  const { program, python, files } = config;
  return [
    ...(program === undefined ? [] : [{ key: 'program', path: program }]),
    // The script first: a missing one is reported under its own key.
    ...(python === undefined ? [] : [{ key: 'python.script', path: python.script }]),
    ...(python === undefined ? [] : [{ key: 'python', path: '.', skip: skipTools }]),
    ...(python?.packages === undefined ? [] : [{ key: 'python.packages', path: python.packages, skip: skipCompiled }]),
    ...(config.package === undefined ? [] : [{ key: 'package', path: config.package }]),
    ...Object.entries(files).map(([guest, path]) => ({ key: `files["${guest}"]`, path })),
  ];
}

function networkAsks(config: ProjectConfig): Ask[] {
  const { network } = nanosConfigOf(config);
  switch (network.kind) {
    case 'user':
      if (!network.outbound) return [];
      return [
        {
          kind: 'network',
          subject: 'outbound',
          message: 'Opens connections to the Internet, your local network and the services of this machine.',
        },
      ];
    case 'network':
    case 'bridge': {
      const message = `Joins the ${network.kind} ${network.name}, and reaches whatever can be reached there.`;
      return [{ kind: 'network', subject: network.name, message }];
    }
    default:
      return [];
  }
}

/** Ports of this machine: they belong to an instance, and change no image. */
const machineKeys: ReadonlySet<string> = new Set(['hostPort', 'ports']);

function optionsInImage(config: ProjectConfig): Json[] {
  const inImage = programKeys.filter((key) => !machineKeys.has(key)).map((key): Json => (config[key] ?? null) as Json);
  return [inImage, (config.runtimeOptions ?? null) as Json];
}
