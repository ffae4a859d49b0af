/** The configuration file of another tool that starts the guests of a runtime, as a project here and back. */
import type { Problem } from '#shared/errors.ts';
import type { Json } from '#shared/model/json.ts';
import type { ConfigFileInput, Project } from '#shared/model/project.ts';

/** A file of that tool as a project. */
export interface ImportedConfig {
  /** firstlight.json without a name, its host paths absolute; null when the file has errors. */
  readonly config: Omit<ConfigFileInput, 'name'> | null;
  /** Further files of the project. Shape: path in the project to text. */
  readonly extraFiles: Readonly<Record<string, string>>;
  /** Warnings among them name the parts without a counterpart. */
  readonly problems: readonly Problem[];
  /** Missing paths of this host, each with the key that names it. */
  readonly missing: readonly { readonly name: string; readonly neededBy: string }[];
  /** Makes a problem at the place of the program's name. */
  readonly problemOfProgram: (message: string) => Problem;
}

export interface ExportedConfig {
  /** Shape: host paths are absolute. */
  readonly config: Json;
  /** A sentence for each part of the project that has no place there. */
  readonly notes: readonly string[];
}

export interface ForeignConfig {
  /** Reads the `text` of the file at `path`. `program` overrides the value in the file. */
  readonly read: (text: string, path: string, program?: string) => ImportedConfig;
  /** Errors: BAD_INPUT for a project that the tool cannot run. */
  readonly write: (project: Project) => ExportedConfig;
}
