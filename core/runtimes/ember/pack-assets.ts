/**
 * The folder of assets of a function, at the end of its image: the guest has the image as a disk too, and reads it by sectors.
 *
 * Format, in sectors of 512 bytes and little-endian: each file from the start of a sector, in the order of the paths; the index;
 * the last sector, with `FirstlightAssets`, u32 version (1), u32 first sector of the index, u32 its bytes, and zeros. The index is
 * JSON, `[[path, first sector, bytes], …]`, its paths relative, with `/`, in the order of their UTF-8. Sectors count from the
 * beginning of the image. Equal folders give equal bytes: no times, owners and modes are kept, and no empty folders.
 * core/bundle/shims/assets.ts reads it.
 */
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { systemCode, toFileError, toStoreError } from '#core/store/store-error.ts';
import { FirstlightError } from '#shared/errors.ts';

const sectorBytes = 512;
const magic = 'FirstlightAssets';
const version = 1;
const chunkBytes = 1 << 20;
export const assetsMostBytes = 1 << 30;
/** As core/bundle/shims/assets.ts takes it. */
const indexMostBytes = 16 << 20;

interface Asset {
  /** Shape: relative to the folder, with `/`. */
  readonly path: string;
  readonly file: string;
}

/**
 * Adds the folder to an image. Returns the bytes of the whole.
 *
 * Errors: NOT_FOUND, BAD_INPUT for what is no folder, is too large or cannot be packed; PATH_ESCAPES for a link that leads out of it;
 * DISK_FULL, STORE_UNUSABLE; CANCELLED.
 */
export async function appendAssets(imagePath: string, dir: string, signal: AbortSignal): Promise<number> {
  const assets = await listAssets(dir);
  const image = await open(imagePath, 'a').catch((thrown) => {
    throw toStoreError(thrown, 'add the assets to', imagePath);
  });
  try {
    const before = (await image.stat()).size;
    let at = before;
    const write = async (bytes: Uint8Array) => {
      signal.throwIfAborted();
      await image.appendFile(bytes).catch((thrown) => {
        throw toStoreError(thrown, 'add the assets to', imagePath);
      });
      at += bytes.length;
    };
    const fill = () => write(new Uint8Array(-at & (sectorBytes - 1)));
    await fill();
    const index: [string, number, number][] = [];
    for (const { path, file } of assets) {
      const sector = at / sectorBytes;
      let bytes = 0;
      for await (const chunk of chunksOf(file)) {
        bytes += chunk.length;
        if (at - before + chunk.length > assetsMostBytes) throw tooLarge(dir);
        await write(chunk);
      }
      index.push([path, sector, bytes]);
      await fill();
    }
    const indexSector = at / sectorBytes;
    const text = Buffer.from(JSON.stringify(index));
    if (text.length > indexMostBytes) throw tooLarge(dir);
    await write(text);
    await fill();
    const last = Buffer.alloc(sectorBytes);
    last.write(magic, 'latin1');
    last.writeUInt32LE(version, magic.length);
    last.writeUInt32LE(indexSector, magic.length + 4);
    last.writeUInt32LE(text.length, magic.length + 8);
    await write(last);
    return at;
  } finally {
    await image.close();
  }
}

async function* chunksOf(file: string): AsyncGenerator<Buffer> {
  try {
    const opened = await open(file, 'r');
    try {
      yield* opened.createReadStream({ highWaterMark: chunkBytes, autoClose: false });
    } finally {
      await opened.close();
    }
  } catch (thrown) {
    throw cannot(thrown, 'read', file);
  }
}

/** The files below a folder, those that links inside it lead to too, in the order of their paths. */
async function listAssets(dir: string): Promise<Asset[]> {
  const root = await realpath(dir).catch((thrown) => {
    throw cannot(thrown, 'read', dir);
  });
  if (!(await stat(root)).isDirectory()) throw unfit(dir, 'is no folder');
  const assets: Asset[] = [];
  const walk = async (folder: string): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true, encoding: 'buffer' }).catch((thrown) => {
      throw cannot(thrown, 'read', folder);
    });
    for (const entry of entries) {
      const name = entry.name.toString();
      const file = join(folder, name);
      if (!Buffer.from(name).equals(entry.name)) throw unfit(file, 'has a name that is not UTF-8');
      const path = relative(root, file).split(sep).join('/');
      if (entry.isDirectory()) await walk(file);
      else if (entry.isFile()) assets.push({ path, file });
      else if (entry.isSymbolicLink()) assets.push({ path, file: await follow(file, root) });
      else throw unfit(file, 'is neither a file nor a folder');
    }
  };
  await walk(root);
  return assets.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

/** The file that a link leads to. */
async function follow(link: string, root: string): Promise<string> {
  const target = await realpath(link).catch((thrown) => {
    throw cannot(thrown, 'follow', link);
  });
  if (!target.startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw new FirstlightError('PATH_ESCAPES', `${link} leads to ${target}, outside the folder of assets.`, {
      hint: 'Copy the file into the folder.',
      details: { subject: link },
    });
  }
  if (!(await stat(target)).isFile()) throw unfit(link, 'is a link to what is no file');
  return target;
}

const cannot = (thrown: unknown, doing: string, path: string) =>
  systemCode(thrown) === 'ENOENT'
    ? new FirstlightError('NOT_FOUND', `Could not ${doing} ${path}: it does not exist.`, {
        hint: 'Correct "ember.assets" in firstlight.json, or what is in its folder.',
        details: { subject: path },
      })
    : toFileError(thrown, doing, path);

const unfit = (path: string, why: string) =>
  new FirstlightError('BAD_INPUT', `${path} ${why}.`, {
    hint: '"ember.assets" in firstlight.json names a folder of files.',
    details: { subject: path },
  });

const tooLarge = (dir: string) =>
  new FirstlightError('BAD_INPUT', `The assets in ${dir} are more than ${assetsMostBytes >> 20} MiB, or too many.`, {
    hint: 'Have the function fetch large files, or choose the runtime nanos.',
    details: { subject: dir },
  });
