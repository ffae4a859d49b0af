/** An ops package, a folder or a tarball `name_version`, as files and a program. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile, readlink, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { FileTree, TreeNode } from '@firstlight/files';
import { addUnpacked, createPathTree, type PathTree } from '@firstlight/tar';
import { digestOfFile } from '#core/store/digest.ts';
import type { Layout } from '#core/store/layout.ts';
import { readRegularFile } from '#core/store/read-regular-file.ts';
import { toFileError } from '#core/store/store-error.ts';
import { undefinedIfMissing } from '#core/store/write-atomic.ts';
import { FirstlightError, type Problem } from '#shared/errors.ts';
import { openLayerCache } from '../oci/open-oci-image.ts';
import type { OpsConfig } from './ops-schema.ts';
import { parsePorts } from './ops-values.ts';
import { maxOpsConfigBytes, parseOpsConfig } from './parse-ops-config.ts';

export const manifestName = 'package.manifest';
const sysrootName = 'sysroot';
/** A package with Node.js has some 5,000. */
const maxFiles = 500_000;

export interface OpenPackageOptions {
  readonly layout: Layout;
  readonly signal?: AbortSignal | undefined;
}

export interface OpenedPackage {
  readonly tree: FileTree;
  readonly manifest: OpsConfig;
  /** The folder's name: `lua_5.2.4`. */
  readonly name: string;
  /** The program that its manifest starts. Shape: `program` is in `tree`; `args` are without its own name. */
  readonly run: {
    readonly program: string;
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly port: number | null;
  };
  /** Identifies the input: the bytes of a tarball, or the names, sizes and times of a folder's files. */
  readonly digest: string;
  readonly problems: readonly Problem[];
  /** A sentence for each entry that was left out of the tree. */
  readonly skipped: readonly string[];
}

/** A package's parts before its manifest is understood. Shape: `program` finds a file beside the manifest. */
interface Parts {
  readonly name: string;
  readonly manifest: string;
  readonly sysroot: PathTree;
  readonly program: (name: string) => Promise<TreeNode | undefined>;
  readonly digest: string;
  readonly skipped: readonly string[];
}

/**
 * The package at `path`: the content of its `sysroot` lies at the root of the guest, its program beside it.
 *
 * Errors: NOT_FOUND; BAD_INPUT with problems for its manifest, or when its program is not in it; ARCHIVE_INVALID,
 * PATH_ESCAPES; DISK_FULL, STORE_UNUSABLE; CANCELLED.
 */
export async function openOpsPackage(path: string, options: OpenPackageOptions): Promise<OpenedPackage> {
  const found = await stat(path).catch(undefinedIfMissing);
  if (found === undefined) {
    throw new FirstlightError('NOT_FOUND', `There is no package ${path}.`, { details: { subject: path } });
  }
  if (!found.isDirectory() && !found.isFile()) {
    throw new FirstlightError('BAD_INPUT', `${path} is neither a file nor a folder.`, { details: { subject: path } });
  }
  const parts = found.isDirectory() ? await readFolder(path) : await readTarball(path, found.size, options);
  const { config, problems } = parseOpsConfig(parts.manifest, manifestName);
  if (config === null) {
    throw new FirstlightError('BAD_INPUT', `The ${manifestName} of ${path} is not valid.`, {
      details: { problems, subject: path },
    });
  }
  const program = await placeProgram(config.Program ?? '', parts, path);
  const [port = null] = (config.RunConfig?.Ports ?? []).flatMap((text) => parsePorts(text) ?? []);
  const { name, digest, skipped } = parts;
  // The first of a package's arguments is the program's own name.
  const run = { program, args: (config.Args ?? []).slice(1), env: config.Env ?? {}, port };
  return { tree: parts.sysroot.toFileTree(), manifest: config, name, run, digest, problems, skipped };
}

/** Puts the program at its place in the guest, and returns that path. */
async function placeProgram(named: string, { sysroot, program }: Parts, path: string): Promise<string> {
  if (named.startsWith('/')) {
    const found = sysroot.lookUp(named);
    if (found?.node.kind === 'file') return found.path;
  } else if (named !== '') {
    const name = basename(named);
    const node = await program(name);
    if (node?.kind === 'file') {
      sysroot.add(`/${name}`, node);
      return `/${name}`;
    }
  }
  const what = named === '' ? 'names no program' : `names the program ${JSON.stringify(named)}, which is not in it`;
  throw new FirstlightError('BAD_INPUT', `The package ${path} ${what}.`, {
    hint: `"Program" in ${manifestName} is a path in ${sysrootName} that begins with /, or the name of a file beside ${manifestName}.`,
    details: { subject: path },
  });
}

async function readFolder(dir: string): Promise<Parts> {
  const sysroot = createPathTree();
  const skipped: string[] = [];
  const hash = createHash('sha256');
  let files = 0;
  try {
    const manifestStat = await stat(join(dir, manifestName)).catch(undefinedIfMissing);
    if (manifestStat === undefined) throw noManifest(dir);
    if (manifestStat.size > maxOpsConfigBytes) throw tooLong(dir);
    const manifest = (await readRegularFile(join(dir, manifestName), maxOpsConfigBytes))?.toString() ?? '';
    hash.update(manifest);
    const note = (path: string, bytes: number, mtimeMs: number) => hash.update(`${path}\0${bytes}\0${mtimeMs}\0`);
    const walk = async (at: string): Promise<void> => {
      const entries = await readdir(join(dir, sysrootName, at)).catch(undefinedIfMissing);
      for (const entry of (entries ?? []).sort()) {
        const path = `${at}/${entry}`;
        const host = join(dir, sysrootName, path);
        const stats = await lstat(host);
        if (++files > maxFiles) throw new FirstlightError('BAD_INPUT', `${dir} has more than ${maxFiles} files.`);
        note(path, stats.size, stats.mtimeMs);
        if (stats.isDirectory()) {
          sysroot.add(path, { kind: 'directory' });
          await walk(path);
        } else if (stats.isSymbolicLink()) sysroot.add(path, { kind: 'symlink', target: await readlink(host) });
        else if (stats.isFile())
          sysroot.add(path, { kind: 'file', content: { kind: 'host', path: host }, bytes: stats.size });
        else skipped.push(`${path} is left out: it is not a file, folder or link.`);
      }
    };
    await walk('');
    const program = async (name: string): Promise<TreeNode | undefined> => {
      const path = join(dir, name);
      const stats = await stat(path).catch(undefinedIfMissing);
      if (!stats?.isFile()) return undefined;
      note(name, stats.size, stats.mtimeMs);
      return { kind: 'file', content: { kind: 'host', path }, bytes: stats.size };
    };
    return {
      name: basename(dir),
      manifest,
      sysroot,
      program,
      skipped,
      get digest() {
        return `sha256:${hash.copy().digest('hex')}`;
      },
    };
  } catch (thrown) {
    throw toFileError(thrown, 'read', dir);
  }
}

async function readTarball(path: string, size: number, { layout, signal }: OpenPackageOptions): Promise<Parts> {
  const digest = await digestOfFile(path);
  const source = { digest, digestOf: 'blob' as const, size, open: async () => createReadStream(path) };
  const { dir, entries, skipped } = await openLayerCache(layout).layer(source, path, signal);
  const all = createPathTree();
  for (const entry of entries) addUnpacked(all, entry, dir);
  const manifestPath = entries.map((entry) => entry.path).find((at) => /^(\/[^/]+)?\/package\.manifest$/.test(at));
  if (manifestPath === undefined) throw noManifest(path);
  const top = manifestPath.slice(0, -manifestName.length);
  const sysroot = createPathTree();
  for (const entry of entries) {
    const prefix = `${top}${sysrootName}/`;
    if (entry.path.startsWith(prefix))
      addUnpacked(sysroot, { ...entry, path: `/${entry.path.slice(prefix.length)}` }, dir);
  }
  const manifestNode = all.lookUp(manifestPath)?.node;
  if (manifestNode?.kind !== 'file') throw noManifest(path);
  if (manifestNode.bytes > maxOpsConfigBytes) throw tooLong(path);
  const { content } = manifestNode;
  const manifest = content.kind === 'bytes' ? '' : await readFile(content.path, 'utf8');
  const program = async (name: string) => all.lookUp(`${top}${name}`)?.node as TreeNode | undefined;
  const name = top === '/' ? basename(path).replace(/\.(tar|tgz|tar\.gz)$/, '') : top.slice(1, -1);
  return { name, manifest, sysroot, program, digest, skipped };
}

const noManifest = (path: string) =>
  new FirstlightError('BAD_INPUT', `${path} is not an ops package: it has no ${manifestName}.`, {
    hint: 'A package is a folder or tarball `name_version` with the program, package.manifest, and sysroot/.',
    details: { subject: path },
  });

const tooLong = (path: string) =>
  new FirstlightError('BAD_INPUT', `The ${manifestName} of ${path} is longer than ${maxOpsConfigBytes} bytes.`);
