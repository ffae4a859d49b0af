import { formatBytes } from '#shared/format.ts';
import { volumeNameSchema } from '#shared/model/volume-name.ts';
import { badInput } from '../failures.ts';
import { renderTable } from '../output/table.ts';
import type { Session } from '../session.ts';

/** Lists the volumes on this machine, with their sizes and current users. */
export async function listVolumes(session: Session): Promise<number> {
  const volumes = await session.call('volumes:list', {});
  session.printJson(volumes);
  if (volumes.length === 0) {
    session.print('No volumes yet. Make one with: firstlight volume new <name>\n');
    return 0;
  }
  const rows = volumes.map(({ name, bytes, usedBytes, usedBy, createdAt, path }) => [
    name,
    formatBytes(bytes),
    formatBytes(usedBytes),
    usedBy === null ? '' : (usedBy.instance ?? 'another QEMU'),
    new Date(createdAt).toLocaleString('sv-SE'),
    path,
  ]);
  session.print(renderTable(['VOLUME', '>SIZE', '>ON DISK', 'IN USE BY', 'MADE', 'FILE'], rows, session.style));
  return 0;
}

/** Creates an empty volume. */
export async function createVolume(session: Session, name: string, options: { size: number }): Promise<number> {
  const volume = await session.call('volumes:create', { name: checkName(name), sizeMiB: options.size });
  session.printJson(volume);
  session.print(`Volume ${volume.name}, ${formatBytes(volume.bytes)}: ${volume.path}\n`);
  return 0;
}

/** Removes a volume and its content. */
export async function removeVolume(session: Session, name: string): Promise<number> {
  await session.call('volumes:remove', { name: checkName(name) });
  session.printJson({ removed: name });
  session.print(`Removed volume ${name}\n`);
  return 0;
}

function checkName(name: string): string {
  const parsed = volumeNameSchema.safeParse(name);
  if (parsed.success) return parsed.data;
  throw badInput(
    `"${name}" is not the name of a volume.`,
    'A name has up to 31 lower-case letters, digits and dashes, and begins with a letter or digit.',
  );
}
