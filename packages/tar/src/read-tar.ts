/** Reads a tar archive entry by entry, and refuses entries that could leave the folder they are unpacked to. */

import { guestPath } from '@firstlight/files';
import { type Extract, extract, type Header } from 'tar-stream';
import { type Bytes, decompress } from './decompress.ts';
import { invalidArchive, toArchiveError } from './tar-error.ts';
import { defaultTarLimits, type TarLimits } from './tar-limits.ts';

/**
 * One entry of an archive.
 *
 * Shape: `path` as `guestPath` gives it, so that it begins at the archive's own root; a hard link's `target` likewise. A
 * symlink's `target` is unchanged: code that makes one on a disk must check it first. Units: `bytes` of a file's
 * content.
 */
export type TarEntry =
  | { readonly kind: 'directory'; readonly path: string }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly bytes: number;
      /** Its permission bits, `0o777`; those that give a program its owner's rights are dropped. */
      readonly mode: number;
      /** The content: read it to its end, or not at all, before the next entry is requested. */
      readonly content: Bytes;
      /** Its start in the archive, when the archive is not packed. */
      readonly offset: number;
    }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

export interface ReadTarOptions {
  /** The archive's name for a person. */
  readonly archive: string;
  readonly limits?: TarLimits;
  readonly signal?: AbortSignal | undefined;
  /** Called for each entry that is skipped because an image cannot contain it. Shape: a sentence. */
  readonly onSkipped?: (why: string) => void;
}

/** Linux's limit of a symlink. */
const maxTargetBytes = 4095;

/** The fields of tar-stream beyond its types. Shape: `type` is null for an unknown kind. */
interface FullHeader extends Omit<Header, 'type' | 'linkname' | 'pax'> {
  readonly type: Header['type'] | null;
  readonly linkname: string | null;
  readonly pax: Readonly<Record<string, string>> | null;
  readonly byteOffset: number;
}
/** Archives from before 1988 have no mark of their format. */
const parserOptions: object = { allowUnknownFormat: true };

/**
 * The entries of an archive, packed or not, in their order.
 *
 * Errors: `path-escapes` for a name with `..` that leads out; `invalid` for data that is not tar, is cut short, or exceeds the limits;
 * the signal's reason. Devices, pipes and names that are not UTF-8 are skipped.
 */
export async function* readTar(packed: Bytes, options: ReadTarOptions): AsyncGenerator<TarEntry> {
  const { archive, limits = defaultTarLimits, signal, onSkipped = () => undefined } = options;
  const parser = extract(parserOptions);
  let failure: unknown;
  parser.on('error', (error) => {
    failure = error;
  });
  const closed = new Promise<void>((resolve) => parser.once('close', resolve));
  const feeding = feed(decompress(packed, archive, limits), parser, signal);
  feeding.catch(() => undefined);
  /** The error for a file's content: the archive's failure, not its early end. */
  async function* contentOf(source: Bytes): AsyncGenerator<Uint8Array> {
    try {
      yield* source;
    } catch (thrown) {
      await closed;
      throw toArchiveError(failure ?? thrown, archive);
    }
  }
  let entries = 0;
  let bytes = 0;
  const skipped = new Set<string>();
  try {
    for await (const entry of parser) {
      const header = entry.header as Omit<Header, keyof FullHeader> as FullHeader;
      entries++;
      bytes += header.size;
      if (entries > limits.maxEntries) throw invalidArchive(archive, `it has more than ${limits.maxEntries} entries.`);
      if (bytes > limits.maxBytes) throw invalidArchive(archive, `its files have more than ${limits.maxBytes} bytes.`);
      const read = readEntry(contentOf(entry as AsyncIterable<unknown> as Bytes), header, archive, onSkipped);
      if (read === undefined) {
        skipped.add(guestPath(header.name));
      } else if (read.kind === 'link' && skipped.has(read.target)) {
        skipped.add(read.path);
        onSkipped(`${read.path} is left out: it is a hard link to ${read.target}, which is left out.`);
      } else {
        skipped.delete(read.path);
        yield read;
      }
      entry.resume();
    }
    await feeding;
  } catch (thrown) {
    throw toArchiveError(thrown, archive);
  } finally {
    parser.destroy(null);
    await feeding.catch(() => undefined);
  }
}

/** Gives the parser as much as it has room for, and ends it with the source's result. */
async function feed(chunks: Bytes, parser: Extract, signal: AbortSignal | undefined): Promise<void> {
  try {
    for await (const chunk of chunks) {
      signal?.throwIfAborted();
      if (parser.destroyed) return;
      if (!parser.write(chunk)) await roomIn(parser);
    }
    parser.end(null);
  } catch (thrown) {
    parser.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)));
    throw thrown;
  }
}

/** Resolves when the parser takes more, or never will. */
function roomIn(parser: Extract): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      parser.off('drain', settle);
      parser.off('close', settle);
      resolve();
    };
    parser.on('drain', settle);
    parser.on('close', settle);
  });
}

function readEntry(
  content: Bytes,
  header: FullHeader,
  archive: string,
  onSkipped: (why: string) => void,
): TarEntry | undefined {
  const { name, type, linkname, size } = header;
  const shown = JSON.stringify(name.length > 100 ? `${name.slice(0, 97)}…` : name);
  if (Object.keys(header.pax ?? {}).some((key) => key.startsWith('GNU.sparse.'))) throw sparse(archive, shown);
  if (name.includes('\ufffd')) {
    onSkipped(`${shown} is left out: its name is not UTF-8.`);
    return undefined;
  }
  const path = guestPath(name);
  switch (type) {
    case 'directory':
      return { kind: 'directory', path };
    case 'file':
    case 'contiguous-file':
      if (path === '/') throw invalidArchive(archive, 'it has a file without a name.');
      return {
        kind: 'file',
        path,
        bytes: size,
        mode: (header.mode ?? 0o644) & 0o777,
        content,
        offset: header.byteOffset,
      };
    case 'symlink':
    case 'link': {
      if (!linkname || Buffer.byteLength(linkname) > maxTargetBytes || linkname.includes('\0')) {
        throw invalidArchive(archive, `the link ${shown} leads to no path.`);
      }
      return type === 'link'
        ? { kind: 'link', path, target: guestPath(linkname) }
        : { kind: 'symlink', path, target: linkname };
    }
    case 'character-device':
    case 'block-device':
    case 'fifo':
      onSkipped(`${path} is left out: an image holds no ${type === 'fifo' ? 'named pipe' : 'device node'}.`);
      return undefined;
    default:
      throw sparse(archive, shown);
  }
}

/** The only kinds in use that the parser does not know are GNU's own: sparse files, and parts of other archives. */
const sparse = (archive: string, shown: string) =>
  invalidArchive(
    archive,
    `${shown} is a sparse file or of another kind that only GNU tar knows. Make it without --sparse.`,
  );
