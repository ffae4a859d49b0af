/**
 * Files of the function's own folder of assets, on a disk that the guest reads by sectors. The runtime's packer describes the format.
 * What is on the disk is checked: it may be another one, or cut.
 */
type Bytes = Uint8Array<ArrayBuffer>;
export type Call = (operation: number, ...args: unknown[]) => void;

const operations = { size: 0, read: 1 } as const;
const sectorBytes = 512;
const magic = 'FirstlightAssets';
const version = 1;
const indexMost = 16 << 20;

/** Where a file is. Units: the disk's sectors. */
interface Place {
  readonly sector: number;
  readonly bytes: number;
}

/** What a path of the guest names. Shape: of a folder, the names in it. Units: bytes. */
export type Found<File> =
  | { readonly file: File; readonly bytes: number; readonly isLink: boolean }
  | { readonly names: readonly string[] };

export interface Assets {
  /** Undefined when there is no such file and no such folder. Shape: `path` as `normalize` gives it. */
  readonly find: (path: string) => Found<Place> | undefined;
  readonly read: (place: Place) => Bytes;
}

export const failure = (code: string, words: string) => Object.assign(new Error(`${code}: ${words}`), { code });
const broken = (what: string) => failure('EIO', `the disk of assets is not one of this function: ${what}.`);

/** The files of the disk. Errors: ENODEV without a disk; EIO for one that is broken. */
export function openAssets(call: Call): Assets {
  const size = new Uint32Array(1);
  call(operations.size, size.buffer);
  const [sectors = 0] = size;
  if (sectors === 0)
    throw failure(
      'ENODEV',
      'the machine has no disk of assets. A guest has one where firstlight.json has "assets", under libvirt and QEMU on this machine.',
    );

  function read({ sector, bytes }: Place): Bytes {
    const whole = new ArrayBuffer(Math.ceil(bytes / sectorBytes) * sectorBytes);
    if (bytes === 0) return new Uint8Array(whole);
    const isRead = new Uint32Array(1);
    call(operations.read, sector, whole, isRead.buffer);
    if (isRead[0] !== 1) throw failure('EIO', 'the disk of assets could not be read.');
    return new Uint8Array(whole, 0, bytes);
  }

  const isPlace = (sector: unknown, bytes: unknown) =>
    Number.isSafeInteger(sector) &&
    Number.isSafeInteger(bytes) &&
    Number(sector) >= 0 &&
    Number(bytes) >= 0 &&
    Number(sector) + Math.ceil(Number(bytes) / sectorBytes) < sectors;

  const files = new Map<string, Place>();
  const folders = new Map<string, Set<string>>([['', new Set()]]);
  for (const [path, place] of readIndex(read, sectors, isPlace)) {
    if (files.has(path) || folders.has(path)) throw broken(`it has "${path}" twice`);
    files.set(path, place);
    for (let at = path; at !== ''; ) {
      const end = at.lastIndexOf('/');
      const folder = at.slice(0, Math.max(0, end));
      if (files.has(folder)) throw broken(`"${folder}" is a file and a folder`);
      const names = folders.get(folder) ?? new Set();
      names.add(at.slice(end + 1));
      folders.set(folder, names);
      at = folder;
    }
  }
  return {
    read,
    find: (path) => {
      const file = files.get(path);
      if (file !== undefined) return { file, bytes: file.bytes, isLink: false };
      const names = folders.get(path);
      return names && { names: [...names].sort() };
    },
  };
}

/** The index, which the last sector leads to. */
function readIndex(
  read: (place: Place) => Bytes,
  sectors: number,
  isPlace: (sector: unknown, bytes: unknown) => boolean,
): [string, Place][] {
  const last = read({ sector: sectors - 1, bytes: sectorBytes });
  const text = new TextDecoder().decode(last.subarray(0, magic.length));
  const words = new DataView(last.buffer);
  const [found = 0, sector = 0, bytes = 0] = [0, 4, 8].map((at) => words.getUint32(magic.length + at, true));
  if (text !== magic || found !== version) throw broken('its last sector says so');
  if (bytes > indexMost || !isPlace(sector, bytes)) throw broken('its list of files lies outside it');
  let index: unknown;
  try {
    index = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(read({ sector, bytes })));
  } catch {
    throw broken('its list of files cannot be read');
  }
  if (!Array.isArray(index)) throw broken('its list of files is none');
  return index.map((entry: unknown) => {
    const [path, at, length] = Array.isArray(entry) ? (entry as unknown[]) : [];
    if (typeof path !== 'string' || !isPlace(at, length)) throw broken('a file of its list lies outside it');
    if (path.split('/').some((part) => part === '' || part === '.' || part === '..'))
      throw broken(`"${path}" is no path`);
    return [path, { sector: Number(at), bytes: Number(length) }];
  });
}

/** A path of the guest: the folder in its root, empty for the root itself, and the path in that folder. */
export function locate(path: string): { readonly folder: string; readonly inside: string } {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const [folder = '', ...inside] = parts;
  return { folder, inside: inside.join('/') };
}
