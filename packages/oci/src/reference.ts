/** The names of OCI images. */
import { resolve } from 'node:path';
import { OciError } from './oci-error.ts';

/**
 * The place of an image, and the choice among several images there.
 *
 * Shape: `path` absolute. `tag` null: the only image there is. A registry's `reference` is a tag or a digest.
 */
export type OciReference =
  | { readonly kind: 'layout' | 'archive' | 'docker-archive'; readonly path: string; readonly tag: string | null }
  | { readonly kind: 'registry'; readonly host: string; readonly name: string; readonly reference: string };

/** Source: the distribution specification 1.1, "Pulling manifests". */
const namePattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
export const digestPattern = /^sha256:[0-9a-f]{64}$/;
const hostPattern = /^(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)+|\[[0-9a-f:]+\])(?::\d{1,5})?$|^[a-z0-9-]+:\d{1,5}$/i;

const pathKinds = { oci: 'layout', 'oci-archive': 'archive', 'docker-archive': 'docker-archive' } as const;

/** True for text that can only mean an image: it begins like such a reference. */
export const looksLikeReference = (text: string): boolean =>
  /^(?:oci|oci-archive|docker-archive):/.test(text) || text.startsWith('docker://');

/**
 * The image that a text names: `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:NAME:TAG]`,
 * `docker://HOST/NAME[:TAG|@DIGEST]`, or the last without `docker://`. Paths are taken from `cwd`.
 *
 * Errors: `reference-invalid` for anything else.
 */
export function parseReference(text: string, cwd: string): OciReference {
  const [, prefix, rest = ''] = /^(oci|oci-archive|docker-archive):(.*)$/s.exec(text) ?? [];
  if (prefix !== undefined) {
    const [, path = '', tag] = /^([^:]+?)(?:[:@](?!\/)(.+))?$/s.exec(rest) ?? [];
    if (path === '' || path.includes('\0')) throw badReference(text, 'it names no path');
    if (tag !== undefined && !/^[A-Za-z0-9][\w./:@-]{0,255}$/.test(tag)) {
      throw badReference(text, `"${tag}" is not a tag (a path with a colon in it cannot be given here)`);
    }
    return { kind: pathKinds[prefix as keyof typeof pathKinds], path: resolve(cwd, path), tag: tag ?? null };
  }
  return parseRegistryReference(text);
}

function parseRegistryReference(text: string): OciReference {
  const bare = text.replace(/^docker:\/\//, '');
  const slash = bare.indexOf('/');
  const host = bare.slice(0, Math.max(slash, 0));
  if (!hostPattern.test(host)) {
    throw badReference(text, 'it does not begin with a registry and a slash');
  }
  const [, name = '', tag, digest] = /^([^:@]*)(?::([^@]*))?(?:@(.*))?$/s.exec(bare.slice(slash + 1)) ?? [];
  if (name.length > 255 || !namePattern.test(name)) {
    throw badReference(text, `"${name}" is not a name: lower-case letters, digits, and . _ - / between them`);
  }
  if (tag !== undefined && !tagPattern.test(tag)) throw badReference(text, `"${tag}" is not a tag`);
  if (digest !== undefined && !digestPattern.test(digest))
    throw badReference(text, `"${digest}" is not a sha256 digest`);
  return { kind: 'registry', host, name, reference: digest ?? tag ?? 'latest' };
}

/** A reference as text, with a digest in place of a registry's tag when there is one. */
export function formatReference(reference: OciReference, digest?: string): string {
  if (reference.kind === 'registry') {
    const { host, name, reference: named } = reference;
    const chosen = digest ?? named;
    const tag = !digestPattern.test(named) && digest !== undefined ? `:${named}` : '';
    return `docker://${host}/${name}${tag}${digestPattern.test(chosen) ? '@' : ':'}${chosen}`;
  }
  const prefix = Object.entries(pathKinds).find(([, kind]) => kind === reference.kind)?.[0];
  return `${prefix}:${reference.path}${reference.tag === null ? '' : `:${reference.tag}`}`;
}

const badReference = (text: string, why: string) =>
  new OciError('reference-invalid', `${JSON.stringify(text)} names no image: ${why}.`, {
    hint: 'Write oci:DIR, oci-archive:FILE, docker-archive:FILE, each with :TAG if need be, or docker://REGISTRY/NAME:TAG.',
    subject: text,
  });
