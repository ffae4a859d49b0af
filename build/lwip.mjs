// The source of lwIP, the network stack of Ember's guests, from Debian's source package.

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const cacheDir = path.join(root, '.cache/lwip');
const sourceDir = path.join(cacheDir, 'source');
/** The file that says which version has been fetched. Shape: relative to the root. */
export const lwipStamp = '.cache/lwip/source/firstlight-version';

/** The files of lwIP that the guest is built from, below `src/`. */
const sourceFiles = [
  ...['def', 'dns', 'inet_chksum', 'init', 'ip', 'mem', 'memp', 'netif', 'pbuf'].map((name) => `core/${name}.c`),
  ...['tcp', 'tcp_in', 'tcp_out', 'timeouts', 'udp'].map((name) => `core/${name}.c`),
  ...['dhcp', 'etharp', 'icmp', 'ip4', 'ip4_addr'].map((name) => `core/ipv4/${name}.c`),
  'netif/ethernet.c',
];

/**
 * The unpacked source, or null when it has not been fetched.
 *
 * @returns {{dir: string, version: string, sources: string[]} | null}
 */
export function findLwip() {
  const versionFile = path.join(root, lwipStamp);
  if (!existsSync(versionFile)) return null;
  const sources = sourceFiles.map((name) => path.join(sourceDir, 'src', name));
  return { dir: sourceDir, version: readFileSync(versionFile, 'utf8'), sources };
}

/**
 * Fetches the source with `apt-get source` and unpacks it. Nothing of the system changes: apt gets lists and caches of its
 * own, made from the system's package sources, and checks signatures and digests as always. It needs no root.
 *
 * Errors: throws an Error where apt or the package is not to be had.
 */
export async function fetchLwip() {
  if (findLwip() !== null) return;
  await mkdir(cacheDir, { recursive: true });
  const work = await mkdtemp(path.join(cacheDir, 'fetch-'));
  try {
    for (const name of ['lists/partial', 'cache/archives/partial', 'package'])
      await mkdir(path.join(work, name), { recursive: true });
    const entries = await sourceEntries();
    if (entries.length === 0) throw new Error('apt has no package sources.');
    await writeFile(path.join(work, 'sources.list'), `${entries.join('\n')}\n`);
    const options = [
      `Dir::Etc::sourcelist=${work}/sources.list`,
      'Dir::Etc::sourceparts=/dev/null',
      `Dir::State::lists=${work}/lists`,
      `Dir::Cache=${work}/cache`,
      // Only root can become apt's own user, which could not read a folder of ours.
      'APT::Sandbox::User=root',
      'APT::Update::Post-Invoke-Success::=true',
      'Acquire::Languages=none',
    ].flatMap((option) => ['-o', option]);
    await run('apt-get', [...options, '-q', 'update']);
    await run('apt-get', [...options, '-q', 'source', '--download-only', 'lwip'], { cwd: path.join(work, 'package') });
    const archive = (await readdir(path.join(work, 'package'))).find((name) => name.includes('.orig.tar.'));
    if (archive === undefined) throw new Error('apt-get source has fetched no archive.');
    const unpacked = path.join(work, 'unpacked');
    await mkdir(unpacked);
    // Debian's patches are about its library for programs, and PPP.
    await run('tar', ['-xf', path.join(work, 'package', archive), '--strip-components=1', '-C', unpacked]);
    const missing = sourceFiles.filter((name) => !existsSync(path.join(unpacked, 'src', name)));
    if (missing.length > 0) throw new Error(`${archive} has no src/${missing[0]}.`);
    await writeFile(path.join(unpacked, path.basename(lwipStamp)), archive.split('.orig.')[0] ?? archive);
    await rename(unpacked, sourceDir);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A `deb-src` line for each of the system's package sources. */
async function sourceEntries() {
  const format = '$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT) $(SIGNED_BY)';
  const { stdout } = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const lines = stdout.split('\n').flatMap((line) => {
    const [origin, uri, release, component, signedBy] = line.split(' ');
    if (!['Debian', 'Ubuntu'].includes(origin) || isUpdates(release)) return [];
    const options = signedBy?.startsWith('/') ? `[signed-by=${signedBy}] ` : '';
    return [`deb-src ${options}${uri} ${release} ${component}`];
  });
  return [...new Set(lines)];
}

/** `bookworm-updates` and the like: each list is one more to fetch, and lwIP has no updates. */
const isUpdates = (release) => release.includes('-');

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await fetchLwip();
  console.log(findLwip()?.version);
}
