/** The bytes of a tree's files, from any source. */
import { closeSync, constants, fstatSync, openSync, read, readSync, type Stats } from 'node:fs';
import { promisify } from 'node:util';
import { readFailed, systemCode, type TreeNode } from '@firstlight/files';
import { TfsError } from './tfs-error.ts';

type FileNode = Extract<TreeNode, { kind: 'file' }>;

/** An open file of a tree. Units: bytes. */
export interface FileSource {
  readonly bytes: number;
  /** Fills `into` with the bytes from `at` on. Errors: `file-changed` when the file has become shorter. */
  readonly read: (into: Uint8Array, at: number) => Promise<void> | void;
  /** Checks the file after its reads. Errors: `file-changed` when its length changed since it was opened. */
  readonly checkUnchanged: () => void;
  readonly close: () => void;
}

/**
 * A read below this size is faster than the hand-over to another thread and back; a tree of 10,000 small files
 * is written three times as quickly.
 */
const readHereBytes = 64 * 1024;
const readElsewhere = promisify(read);

/**
 * Opens a file of a tree.
 *
 * Errors: `file-gone`; `file-changed` when its length differs from the tree; `not-a-file`; `read-failed`. Each names
 * the file of the host.
 */
export function openSource(node: FileNode): FileSource {
  const { content } = node;
  if (content.kind === 'host') return openHostFile(content.path, node.bytes);
  const { data } = content;
  return {
    bytes: data.length,
    read: (into, at) => into.set(data.subarray(at, at + into.length)),
    checkUnchanged: () => undefined,
    close: () => undefined,
  };
}

function openHostFile(path: string, bytes: number): FileSource {
  // A pipe in a file's place must not make us wait for its other end.
  const fd = attempt(path, () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  const close = () => closeSync(fd);
  try {
    const found = attempt(path, () => fstatSync(fd));
    if (!found.isFile()) throw new TfsError('not-a-file', `${path} is not a regular file any more.`);
    checkSize(path, found, bytes);
  } catch (thrown) {
    close();
    throw thrown;
  }
  const checkUnchanged = () =>
    checkSize(
      path,
      attempt(path, () => fstatSync(fd)),
      bytes,
    );

  function readHere(into: Uint8Array, at: number): void {
    for (let done = 0; done < into.length; ) {
      const got = attempt(path, () => readSync(fd, into, done, into.length - done, at + done));
      if (got === 0) throw changed(path, bytes, at + done);
      done += got;
    }
  }

  async function readLarge(into: Uint8Array, at: number): Promise<void> {
    for (let done = 0; done < into.length; ) {
      const { bytesRead } = await readElsewhere(fd, into, done, into.length - done, at + done).catch(
        (thrown: unknown) => {
          throw readFailed(thrown, path);
        },
      );
      if (bytesRead === 0) throw changed(path, bytes, at + done);
      done += bytesRead;
    }
  }

  return { bytes, read: bytes <= readHereBytes ? readHere : readLarge, checkUnchanged, close };
}

function attempt<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT') throw readFailed(thrown, path);
    throw new TfsError('file-gone', `${path} is gone: it went away while the image was being made.`, {
      hint: 'Build again once the files are at rest.',
      subject: path,
      cause: thrown,
    });
  }
}

function checkSize(path: string, found: Stats, bytes: number): void {
  if (found.size !== bytes) throw changed(path, bytes, found.size);
}

function changed(path: string, wanted: number, found: number): TfsError {
  return new TfsError(
    'file-changed',
    `${path} changed while the image was being made: it had ${wanted} bytes, now it has ${found}.`,
    { hint: 'Build again once the files are at rest.', subject: path },
  );
}
