import type { Problem } from '#shared/errors.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import type { BundleId } from '#shared/model/units.ts';

/** The module format of a bundle. QuickJS, and a module with top-level `await`, need `esm`. */
export type BundleFormat = 'esm' | 'cjs';

/**
 * A file of this machine that lies beside a bundle in the guest, or a link there. Shape: `guest` is absolute; `host`
 * may be a folder; `code` is the compiled form of a script of this machine.
 */
export type BundleFile =
  | { readonly guest: string; readonly host: string; readonly code?: string | undefined; readonly link?: undefined }
  | { readonly guest: string; readonly link: string; readonly host?: undefined; readonly code?: undefined };

/** A function's code in one piece, named by the sha256 of everything that went into it. */
export interface Bundle {
  readonly id: BundleId;
  readonly config: ProjectConfig;
  /** One script; the guest knows it as `bundle.js`, so stacks carry its lines and columns. */
  readonly code: string;
  readonly format: BundleFormat;
  /** The source map of `code`, as JSON; kept on the host, never in an image. */
  readonly sourceMap: string;
  /** The project's directory, which the map's sources are relative to. */
  readonly projectDir: string;
  /** Every input file. Shape: path relative to the project, with `/`; sha256 in hex. */
  readonly inputs: readonly { readonly path: string; readonly sha256: string; readonly bytes: number }[];
  /** The files that the code opens beside itself, on a runtime that has files. */
  readonly files?: readonly BundleFile[] | undefined;
  readonly warnings: readonly Problem[];
}
