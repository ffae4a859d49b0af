import { readdir, readFile } from 'node:fs/promises';
import { undefinedIfMissing } from '#core/store/write-atomic.ts';

/**
 * The names among `names` that a running process uses: as part of a bound socket's path or of a command line, or as an
 * argument of its own, which a jailed process has.
 *
 * Names are random enough to identify a directory, so a home that is reached through a link counts too.
 *
 * Errors: those of the kernel; a caller that is about to delete then deletes nothing.
 * Source: proc(5). A socket stays in `/proc/net/unix` while its listener lives, even when its file is gone. QEMU's command
 * line names each disk.
 */
export async function findUsedNames(names: readonly string[]): Promise<ReadonlySet<string>> {
  if (names.length === 0) return new Set();
  const texts = [await readFile('/proc/net/unix', 'utf8'), ...(await listCommandLines())];
  return new Set(
    names.filter((name) => texts.some((text) => text.includes(`/${name}/`) || text.includes(`\0${name}\0`))),
  );
}

async function listCommandLines(): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const lines = await Promise.all(ids.map((id) => readCommandLine(`/proc/${id}/cmdline`)));
  return lines.filter((line) => line !== '');
}

/** Shape: empty for a process that has ended since it was listed. */
async function readCommandLine(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((thrown: unknown) => {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH') return undefined;
    return undefinedIfMissing(thrown);
  });
  return text ?? '';
}
