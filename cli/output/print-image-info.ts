import { formatBytes } from '#shared/format.ts';
import type { ImageFileSystem, ImageInfo } from '#shared/model/image-tree.ts';
import type { Json } from '#shared/model/json.ts';
import { showName } from './show-name.ts';
import type { Style } from './style.ts';
import { renderTable } from './table.ts';

type Row = readonly [name: string, value: string];

/** The description of an image, a line per fact. */
export function renderImageInfo(info: ImageInfo, style: Style): string {
  const rows: Row[] = [
    ['image', info.path],
    ['format', `${info.format}, ${formatBytes(info.fileBytes)} (${formatBytes(info.allocatedBytes)} on this disk)`],
    ...info.backing.map((path): Row => ['builds on', path]),
    ...(info.format === 'elf' ? [] : [['disk', formatBytes(info.diskBytes)] as const]),
    ...info.partitions.map(
      ({ kind, start, bytes }): Row => ['partition', `${kind.padEnd(5)} ${formatBytes(bytes)} from byte ${start}`],
    ),
    ...(info.fileSystem === null ? [] : fileSystemRows(info.fileSystem)),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${style.dim(name.padEnd(width))}  ${showName(value, style)}`);
  const warnings = (info.fileSystem?.warnings ?? []).map((text) => `${style.yellow('warning')}: ${text}`);
  return `${[...lines, ...warnings].join('\n')}\n${renderSections(info, style)}`;
}

function fileSystemRows(fileSystem: ImageFileSystem): Row[] {
  const { version, label, uuid, bytes, log, freeBytes, program, environment, klibs, options } = fileSystem;
  const pieces = log.pieces === 1 ? '1 piece' : `${log.pieces} pieces`;
  return [
    ['file system', `TFS version ${version}, ${fileSystem.partition}, ${formatBytes(bytes)}`],
    ['label', label || '(none)'],
    ['uuid', uuid],
    ['log', `${formatBytes(log.usedBytes)} of ${formatBytes(log.reservedBytes)} in ${pieces}`],
    ['free', formatBytes(freeBytes)],
    ...(program === null ? [] : [['program', program] as const]),
    ...fileSystem.arguments.map((text, index): Row => [`argument ${index}`, text]),
    ...Object.entries(environment).map(([name, value]): Row => ['environment', `${name}=${value}`]),
    ...(klibs.length === 0 ? [] : [['klibs', klibs.join(', ')] as const]),
    ...Object.entries(options).map(([name, value]): Row => ['option', `${name}: ${showValue(value)}`]),
  ];
}

const showValue = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

function renderSections({ sections }: ImageInfo, style: Style): string {
  if (sections.length === 0) return '';
  const rows = sections.map(({ name, bytes, inFile }) => [
    showName(name, style),
    String(bytes),
    inFile ? '' : 'in memory only',
  ]);
  return `\n${renderTable(['SECTION', '>BYTES', ''], rows, style)}`;
}
