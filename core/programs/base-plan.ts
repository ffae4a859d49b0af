import type { FileTree } from '@firstlight/files';
import { z } from 'zod';
import type { BuildContext } from '#core/runtime/images.ts';
import { problemSchema } from '#shared/model/problem.ts';

/** The files that a program needs in addition to itself, with facts about it. */
export interface BasePlan {
  readonly tree: FileTree;
  readonly facts: BaseFacts;
}

export const baseFactsSchema = z.object({
  /** The program's path in the guest; null when it is not in the base. */
  program: z.string().nullable(),
  /** For a person: "Node.js 20.20.2 and 6 libraries". */
  description: z.string(),
  warnings: z.array(problemSchema),
  /** The command of the program, where the source of the base has one. */
  run: z
    .object({
      /** The program's `argv[0]`, where that is not its path. */
      argv0: z.string().nullable().default(null),
      args: z.array(z.string()),
      env: z.record(z.string(), z.string()),
      cwd: z.string().nullable(),
    })
    .optional(),
});
export type BaseFacts = z.output<typeof baseFactsSchema>;

/** The context for making a plan. An image may have to be fetched. */
export type PlanContext = Partial<BuildContext>;
