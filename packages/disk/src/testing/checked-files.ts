/** Files for a boot of `check-files.c`: their expected content, the guest's writes, and the content after those. */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { createFileTree, type FileTreeBuilder } from '@firstlight/files';
import { bytesFile, hostFile } from '@firstlight/files/testing';
import type { Tuple } from '@firstlight/tfs';
import { compileStatic } from './boot-nanos.ts';

/** The root's options for a boot of the checking program. */
export const checkingRoot: Tuple = new Map([
  ['program', '/check'],
  ['debug_exit', 't'],
]);

export interface CheckedFiles {
  readonly builder: FileTreeBuilder;
  /** Adds a file that the guest compares. */
  readonly add: (path: string, content: Uint8Array) => void;
  /** Has the guest compare the content of `path` from `offset` on. Units: bytes. */
  readonly expect: (path: string, offset: number, content: Uint8Array, fileBytes: number) => void;
  /** Has the guest write `bytes` times `byte`; `later` is the file's content afterwards. Units: at most 1 MiB. */
  readonly change: (path: string, offset: number, bytes: number, byte: number, later: Uint8Array) => void;
  /** Adds the lists that the guest follows. */
  readonly finish: () => void;
}

/** A tree with the checking program; `dir` is the folder for its compilation. */
export async function createCheckedFiles(dir: string): Promise<CheckedFiles> {
  const source = await readFile(fileURLToPath(new URL('check-files.c', import.meta.url)), 'utf8');
  const builder = createFileTree();
  builder.add('/check', await hostFile(await compileStatic(dir, 'check', source)));
  const first: string[] = [];
  const later: string[] = [];
  const changes: string[] = [];
  const line = (path: string, offset: number, content: Uint8Array, fileBytes: number) =>
    `${offset} ${content.length} ${crc32(content).toString(16)} ${fileBytes} ${path}\n`;

  return {
    builder,
    add: (path, content) => {
      builder.add(path, bytesFile(content));
      first.push(line(path, 0, content, content.length));
    },
    expect: (path, offset, content, fileBytes) => {
      first.push(line(path, offset, content, fileBytes));
    },
    change: (path, offset, bytes, byte, content) => {
      changes.push(`${offset} ${bytes} ${byte} ${path}\n`);
      later.push(line(path, 0, content, content.length));
    },
    finish: () => {
      builder.add('/expected', bytesFile(first.join('')));
      builder.add('/expected-later', bytesFile(later.join('')));
      builder.add('/changes', bytesFile(changes.join('')));
    },
  };
}

/** Bytes without a pattern, the same in each run. */
export function noise(bytes: number, seed: number): Buffer {
  const data = Buffer.alloc(bytes);
  let state = seed;
  for (let at = 0; at < bytes; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    data[at] = state >> 16;
  }
  return data;
}
