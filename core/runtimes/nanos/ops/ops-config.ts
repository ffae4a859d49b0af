import { basename, dirname } from 'node:path';
import { parseOpsConfig } from '#core/programs/ops/parse-ops-config.ts';
import type { ForeignConfig } from '#core/runtime/foreign-config.ts';
import type { Json } from '#shared/model/json.ts';
import { opsToProject } from './ops-to-project.ts';
import { projectToOps } from './project-to-ops.ts';

/** ops' config.json: ops is the tool of Nanos' makers. */
export const opsConfig: ForeignConfig = {
  read: (text, path, program) => {
    const { config: given, problems, at } = parseOpsConfig(text, basename(path));
    const problemOfProgram = (message: string) => at(['Program'], message);
    if (given === null) return { config: null, extraFiles: {}, problems, missing: [], problemOfProgram };
    // As in ops: a program named beside the file overrides the one in the file.
    const config = program === undefined ? given : { ...given, Program: program };
    const project = opsToProject(config, at, dirname(path));
    return { ...project, problems: [...problems, ...project.problems], problemOfProgram };
  },
  write: (project) => {
    const { config, notes } = projectToOps(project);
    return { config: config as Json, notes };
  },
};
