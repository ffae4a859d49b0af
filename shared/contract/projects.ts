import { z } from 'zod';
import { projectFileSchema, projectSchema, runtimeIdSchema } from '../model/project.ts';
import { projectIdSchema } from '../model/units.ts';
import { call } from './define.ts';

const byProject = z.strictObject({ projectId: projectIdSchema });
/** A path inside a project: relative, `/` between parts, no `.` or `..`, no leading `/`. */
export const projectPathSchema = z
  .string()
  .min(1)
  .max(1024)
  .refine(
    (path) =>
      !path.startsWith('/') && !path.includes('\0') && !path.split('/').some((part) => ['', '.', '..'].includes(part)),
    'must be a relative path inside the project',
  );
const byPath = byProject.extend({ path: projectPathSchema });

/** A place where a text was found. Units: line and column count from 1. Shape: `text` is the line, from `textColumn` on where it is long. */
export const searchMatchSchema = z.object({
  path: z.string(),
  line: z.number().int().min(1),
  column: z.number().int().min(1),
  length: z.number().int().min(1),
  text: z.string(),
  textColumn: z.number().int().min(1),
});
export type SearchMatch = z.output<typeof searchMatchSchema>;

export const templateSchema = z.object({ id: z.string(), title: z.string(), description: z.string() });

/** A text file as read. Shape: `revision` is the sha256 of the bytes on disk. */
export const projectTextSchema = z.object({ path: z.string(), text: z.string(), revision: z.string() });

export const projectCalls = {
  'projects:list': call(z.strictObject({}), z.array(projectSchema)),
  /** Errors: NOT_FOUND when the path is not a directory. With a broken firstlight.json it opens, with problems. */
  'projects:open': call(z.strictObject({ dir: z.string().min(1) }), projectSchema),
  'projects:templates': call(z.strictObject({}), z.array(templateSchema)),
  /**
   * Errors: ALREADY_EXISTS when `dir` contains files; BAD_INPUT for an unknown runtime. `dir` absent: a folder of that
   * name in the projects folder.
   */
  'projects:create': call(
    z.strictObject({
      name: z.string().min(1),
      template: z.string().default('hello'),
      /** Absent: the default one. */
      runtime: runtimeIdSchema.optional(),
      dir: z.string().optional(),
    }),
    projectSchema,
  ),
  /**
   * Trusts a project's folder, or revokes it: its requests (files from outside it, the network, volumes) are then
   * granted, also in later sessions.
   */
  'projects:trust': call(byProject.extend({ trusted: z.boolean().default(true) }), projectSchema),
  /** Removes the project from the list; its files stay. */
  'projects:close': call(byProject, z.null()),
  'projects:files': call(byProject, z.array(projectFileSchema)),
  'projects:readFile': call(byPath, projectTextSchema),
  /** Errors: CONFLICT when `baseRevision` is given and the file on disk has another. */
  'projects:writeFile': call(
    byPath.extend({ text: z.string().max(8_000_000), baseRevision: z.string().nullable().default(null) }),
    z.object({ revision: z.string() }),
  ),
  /** Errors: ALREADY_EXISTS. */
  'projects:createFile': call(byPath.extend({ text: z.string().default('') }), z.object({ revision: z.string() })),
  'projects:renameFile': call(byPath.extend({ to: projectPathSchema }), z.null()),
  'projects:deleteFile': call(byPath, z.null()),
  /** Every place of a text in the project's text files, in the order of paths and lines; `isCut` when there are more. */
  'projects:search': call(
    byProject.extend({ text: z.string().min(1).max(500), matchCase: z.boolean().default(false) }),
    z.object({ matches: z.array(searchMatchSchema), files: z.number().int(), isCut: z.boolean() }),
  ),
  /** Declarations for the editor: the handler's types and those of the project's dependencies. */
  'projects:types': call(byProject, z.array(z.object({ path: z.string(), text: z.string() }))),
};

export const projectEvents = {
  /** Its configuration or its place in the list changed. */
  'projects:changed': z.object({ project: projectSchema }),
  'projects:closed': z.object({ projectId: projectIdSchema }),
  /** A file changed on disk, by us or by another program; `revision` is null when it was deleted. */
  'projects:fileChanged': z.object({ projectId: projectIdSchema, path: z.string(), revision: z.string().nullable() }),
};
