import type { ImagePart, ImageParts } from '#core/runtime/images.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import type { Base } from './base/base-store.ts';

/**
 * The kernel, what runs on it, and the files of this machine in the base. Those of an OCI image or a package come from
 * there: these are named as a whole.
 */
export function listNanosParts(
  config: Pick<ProjectConfig, 'image' | 'package'>,
  version: string,
  { tree, facts, digest }: Pick<Base, 'tree' | 'facts' | 'digest'>,
): ImageParts {
  const encoded = encodeURIComponent(version);
  const kernel: ImagePart = {
    ...{ kind: 'operating-system', name: 'nanos', version },
    ...{ purl: `pkg:github/nanovms/nanos@${encoded}`, license: 'Apache-2.0' },
  };
  const own = { kind: 'library', purl: null, license: null } as const;
  const foreign = config.image ?? config.package;
  if (foreign !== undefined) return { parts: [kernel, { ...own, name: foreign, version: digest }], hostFiles: [] };
  // "Node.js 20.20.2 and 6 libraries"
  const [, name, runs] = /^(\S+) (\d[\w.]*)/.exec(facts.description) ?? [];
  const hostFiles = [...tree.values()].flatMap((node) =>
    node.kind === 'file' && node.content.kind === 'host' ? [node.content.path] : [],
  );
  return { parts: [kernel, ...(name && runs ? [{ ...own, name, version: runs }] : [])], hostFiles };
}
