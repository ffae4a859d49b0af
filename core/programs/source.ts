import type { FileTree } from '@firstlight/files';
import type { Bundle } from '#core/runtime/bundle.ts';
import type { Layout } from '#core/store/layout.ts';
import type { Problem } from '#shared/errors.ts';
import type { BaseFacts, BasePlan, PlanContext } from './base-plan.ts';

export interface SourceOptions {
  readonly layout: Layout;
  readonly functionServerPath: string;
  /** The environment in which programs and credentials are looked up. */
  readonly env: NodeJS.ProcessEnv;
}

/** A source of an image's files: one for each kind of program. */
export interface ProgramSource {
  /** As in `BaseRequest`. */
  readonly baseKey: string;
  readonly planBase: (context: PlanContext) => Promise<BasePlan>;
  /** Makes the part of the image that is this project's own. */
  readonly own: (bundle: Bundle, base: BaseFacts) => Promise<OwnPart>;
}

/** The part of an image that is not in its base. */
export interface OwnPart {
  readonly tree: FileTree;
  /** The program's path in the guest. */
  readonly program: string;
  /** Begins with the program's own name; `args`, which a start may replace, follow it. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  /** Combined with, and overridden by, the values in firstlight.json. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | null;
  /** The least memory that it was observed to start in. Units: MiB. */
  readonly minMemoryMiB: number;
  readonly warnings: readonly Problem[];
}
