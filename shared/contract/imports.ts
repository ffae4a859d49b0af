import { z } from 'zod';
import { importProposalSchema } from '../model/import.ts';
import { projectSchema } from '../model/project.ts';
import { projectIdSchema } from '../model/units.ts';
import { call } from './define.ts';

/**
 * The source of an import.
 *
 * Shape: the path of an ELF, of an ops config.json, or of an ops package (a folder or a tarball); or an OCI image:
 * `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:NAME]`, `docker://HOST/NAME[:TAG]`, `HOST/NAME[:TAG]`.
 * `cwd` is the base of a relative path; without it, paths are absolute.
 */
const source = {
  source: z.string().min(1).max(4096),
  cwd: z.string().min(1).max(4096).optional(),
  /** For an ops config.json that names none, as `ops run -c config.json PROGRAM`: its program. */
  program: z.string().min(1).max(4096).optional(),
};

export const importCalls = {
  /**
   * Examines a source and proposes a project. Layers of an image are fetched into the cache; nothing else is
   * written. Reports progress.
   * Errors: BAD_INPUT, NOT_FOUND, PATH_ESCAPES for the source; REGISTRY_UNREACHABLE, REGISTRY_DENIED, REGISTRY_BUSY; DISK_FULL, STORE_UNUSABLE; CANCELLED.
   */
  'imports:examine': call(z.strictObject(source), importProposalSchema),
  /**
   * Makes a project from a source and opens it. `dir` absent: a folder of that name in the projects
   * folder. `digest`: as examined.
   * Errors: as `imports:examine`; ALREADY_EXISTS when `dir` contains files; CONFLICT for a source of another `digest`.
   */
  'imports:create': call(
    z.strictObject({
      ...source,
      /** Default: the name proposed. */
      name: z.string().min(1).max(48).optional(),
      dir: z.string().min(1).max(4096).optional(),
      digest: z.string().max(200).optional(),
    }),
    projectSchema,
  ),
  /** A project as an ops config.json, and the keys that have no place there. Errors: BAD_INPUT for another runtime. */
  'imports:toOps': call(
    z.strictObject({ projectId: projectIdSchema }),
    z.object({ config: z.string(), notes: z.array(z.string()) }),
  ),
};
