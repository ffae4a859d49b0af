import type { FileTree } from '@firstlight/files';
import type { ImportProposal } from '#shared/model/import.ts';
import type { ConfigFileInput } from '#shared/model/project.ts';

/**
 * An examined source, with the content of a project made from it. Shape: `config` without a name; `extraFiles` path to
 * text.
 */
export interface Examined {
  readonly found: Omit<ImportProposal, 'config' | 'canCreate' | 'name'>;
  /** The source's own name, in any characters. */
  readonly title: string;
  readonly config: Omit<ConfigFileInput, 'name'>;
  readonly extraFiles: Readonly<Record<string, string>>;
}

/** Files of a tree. Units: bytes, of all of them. */
export function countFiles(tree: FileTree): { count: number; bytes: number } {
  let count = 0;
  let bytes = 0;
  for (const node of tree.values()) {
    if (node.kind !== 'file') continue;
    count++;
    bytes += node.bytes;
  }
  return { count, bytes };
}

/** A name that a project may have, made of any text. */
export function toProjectName(title: string): string {
  const name = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 48)
    .replace(/^-+|-+$/g, '');
  return name === '' ? 'program' : name;
}

/** A port that arguments or environment name: `--port 80`, `-p=80`, `--listen :80`, `PORT=80`. */
export function portIn(args: readonly string[], env: Readonly<Record<string, string>>): number | null {
  const valid = (text: string | undefined) => {
    const port = Number(text);
    return text !== undefined && /^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535 ? port : null;
  };
  for (const [index, arg] of args.entries()) {
    const [, name, joined] =
      /^-{1,2}(p|port|listen|addr|address|bind|http|http-addr|http-port)(?:=(.*))?$/i.exec(arg) ?? [];
    if (name === undefined) continue;
    const value = joined ?? args[index + 1];
    const port = valid(/(?:^|:)(\d+)$/.exec(value ?? '')?.[1]);
    if (port !== null) return port;
  }
  return valid(env.PORT);
}
