/** What is in the image of a deployed function, by name and version. */
import type { Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { runTool } from '#core/exec/run-tool.ts';
import type { Bundle } from '#core/runtime/bundle.ts';
import { sha256 } from '#core/store/digest.ts';
import { readJson } from '#core/store/read-json.ts';
import { writeAtomic } from '#core/store/write-atomic.ts';
import { toFirstlightError } from '#shared/errors.ts';

const componentSchema = z.object({
  kind: z.enum(['application', 'library', 'operating-system', 'file']),
  name: z.string(),
  version: z.string(),
  /** Source: package-url specification. */
  purl: z.string().nullable(),
  /** As its author gives it; null where it is not known. */
  license: z.string().nullable(),
  sha256: z.string().optional(),
});

/** A part of an image. */
export type Component = Readonly<z.output<typeof componentSchema>>;

const packagePath = /^(.*node_modules\/((?:@[^/]+\/)?[^/]+))\//;

/** The npm packages whose files are in a bundle, or beside it, by name and version. */
export async function listNpmPackages({ inputs, files = [], projectDir }: Bundle): Promise<Component[]> {
  const paths = [
    ...inputs.map(({ path }) => join(projectDir, path)),
    ...files.flatMap(({ host }) => (host === undefined ? [] : [`${host}/`])),
  ];
  const dirs = new Map<string, string>();
  for (const path of paths) {
    const [, dir, name] = packagePath.exec(path) ?? [];
    if (dir !== undefined && name !== undefined) dirs.set(dir, name);
  }
  const found = await Promise.all([...dirs].map(([dir, name]) => readPackage(dir, name)));
  return byName(found);
}

async function readPackage(dir: string, name: string): Promise<Component> {
  const unknown = { kind: 'library', name, version: '', purl: `pkg:npm/${encodeName(name)}`, license: null } as const;
  try {
    const { version, license } = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'));
    if (typeof version !== 'string') return unknown;
    const purl = `${unknown.purl}@${encodeURIComponent(version)}`;
    return { ...unknown, version, purl, license: typeof license === 'string' ? license : null };
  } catch {
    // A folder without a readable description is named all the same.
    return unknown;
  }
}

const encodeName = (name: string) => name.split('/').map(encodeURIComponent).join('/');

/**
 * The packages of this machine's distribution that files come from, and the files that come from none. Where there is
 * no dpkg, every file is named by itself.
 */
export async function listDebianPackages(paths: readonly string[], signal?: AbortSignal): Promise<Component[]> {
  if (paths.length === 0) return [];
  const owners = await findOwners(paths, signal);
  const names = [...new Set(owners.values())].sort();
  const distribution = await readDistribution();
  const packages = names.length === 0 ? [] : await describePackages(names, distribution, signal);
  const strays = paths.filter((path) => !owners.has(path));
  return [...byName(packages), ...byName(await Promise.all(strays.map(describeFile)))];
}

/** The same, kept in a file of `dir` as long as the files stay as they are: dpkg needs a second for those of a QEMU. */
export async function listDebianPackagesOnce(
  dir: string,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<Component[]> {
  const sorted = [...new Set(paths)].sort();
  const stamps = await Promise.all(sorted.map(async (path) => ({ path, ...stampOf(await stat(path)) })));
  const recordPath = join(dir, `packages-${sha256(JSON.stringify(stamps)).slice(0, 32)}.json`);
  const known = await readJson(recordPath, z.array(componentSchema));
  if (known.ok && known.value !== undefined) return known.value;
  const found = await listDebianPackages(sorted, signal);
  await writeAtomic(recordPath, JSON.stringify(found), { durable: false });
  return found;
}

const stampOf = ({ size, mtimeMs }: Stats) => ({ size, mtimeMs });

/** Where /usr is merged, dpkg knows a file by its path of before. */
const formsOf = (path: string) =>
  path.startsWith('/usr/') ? [path, path.slice('/usr'.length)] : [path, `/usr${path}`];

async function findOwners(paths: readonly string[], signal?: AbortSignal): Promise<Map<string, string>> {
  const asked = new Map(paths.flatMap((path) => formsOf(path).map((form) => [form, path] as const)));
  const owners = new Map<string, string>();
  try {
    // 1: some of the forms belong to no package.
    const { stdout } = await runTool('dpkg-query', ['-S', ...asked.keys()], { signal, okExitCodes: [0, 1] });
    for (const line of stdout.split('\n')) {
      const [, owner, form] = /^([^ ,]+)(?:, [^ ,]+)*: (.*)$/.exec(line) ?? [];
      const path = form === undefined ? undefined : asked.get(form);
      if (owner !== undefined && path !== undefined) owners.set(path, owner);
    }
  } catch (thrown) {
    if (toFirstlightError(thrown).code !== 'TOOL_MISSING') throw thrown;
  }
  return owners;
}

async function describePackages(names: readonly string[], distribution: string, signal?: AbortSignal) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: fields of dpkg.
  const format = '${Package}\t${Version}\t${Architecture}\n';
  const { stdout } = await runTool('dpkg-query', ['-W', '-f', format, ...names], { signal });
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line): Component => {
      const [name = '', version = '', architecture = ''] = line.split('\t');
      const purl = `pkg:deb/${distribution}/${name}@${encodeURIComponent(version)}?arch=${architecture}`;
      return { kind: 'library', name, version, purl, license: null };
    });
}

async function describeFile(path: string): Promise<Component> {
  const { size } = await stat(path);
  return { kind: 'file', name: path, version: `${size} bytes`, purl: null, license: null };
}

/** Source: os-release(5). */
async function readDistribution(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^ID="?([a-z0-9._-]+)"?$/m.exec(text)?.[1] ?? 'debian';
}

/** The same list has one order. */
function byName(components: readonly Component[]): Component[] {
  const unique = new Map(components.map((one) => [`${one.name}\0${one.version}`, one]));
  return [...unique].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, component]) => component);
}
