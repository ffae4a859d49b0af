/** The releases of Nanos on this machine: their list, installation, removal, and the one in use. */
import { join } from 'node:path';
import type { InstallRequest, RuntimeKernels } from '#core/runtime/kernels.ts';
import type { CallContext } from '#shared/contract/index.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { KernelRelease } from '#shared/model/kernel.ts';
import type { Layout } from '../../../store/layout.ts';
import { createInUse } from './in-use.ts';
import { createKeptDownloads } from './kept-downloads.ts';
import { takeLocalBuild, versionIn } from './local-build.ts';
import { createNotice } from './notice.ts';
import { createOfficial, officialBaseUrl } from './official.ts';
import { createReleaseFiles, type ReleaseManifest } from './release-files.ts';
import { bootName, type CheckedParts, checkParts, kernelName, klibsName, symbolsName } from './release-parts.ts';

/** A release's files, for building an image. Shape: absolute paths; `digest` is a sha256 in hex of all of them. */
export interface NanosFiles {
  readonly version: string;
  readonly kernelImg: string;
  /** The kernel with symbols; null when the release has none. */
  readonly kernelElf: string | null;
  readonly bootImg: string;
  readonly klibs: ReadonlyMap<string, string>;
  readonly digest: string;
}

export interface Releases extends RuntimeKernels {
  /** The files of a release; of the one in use when none is named. Errors: RELEASE_MISSING. */
  readonly resolve: (version?: string) => Promise<NanosFiles>;
}

export interface ReleasesOptions {
  readonly layout: Layout;
  /** The server of official releases. Shape: a URL that ends with a slash. */
  readonly baseUrl?: string | undefined;
  /** The limit for silence of a server. Default: 30 s. */
  readonly stallMs?: number | undefined;
  readonly onChange?: (releases: KernelRelease[]) => void;
  readonly log?: (line: string) => void;
}

/** It names a release only until the next one. */
const latest = 'latest';
const defaultStallMs = 30_000;

export function createReleases(options: ReleasesOptions): Releases {
  const { layout, baseUrl = officialBaseUrl, onChange = () => undefined, log = () => undefined } = options;
  const kept = createKeptDownloads(join(layout.runtimeDir('nanos'), '.downloads'));
  const files = createReleaseFiles({ layout, onAbandoned: kept.putBackAll });
  const official = createOfficial({ baseUrl, kept, stallMs: options.stallMs ?? defaultStallMs });
  const notice = createNotice(layout, log);
  const inUse = createInUse(layout, log);

  async function list(): Promise<KernelRelease[]> {
    const used = await inUse.get();
    const releases = (await files.list()).map((manifest) => toRelease(manifest, used));
    return releases.sort((a, b) => Number(b.inUse) - Number(a.inUse));
  }

  async function find(version: string): Promise<ReleaseManifest> {
    const found = await files.find(version);
    if (found !== null) return found;
    const names = (await files.list()).map((manifest) => manifest.version);
    throw new FirstlightError('NOT_FOUND', `Nanos ${version} is not installed.`, {
      hint: names.length === 0 ? 'No release is installed.' : `There are: ${names.join(', ')}.`,
      details: { subject: version },
    });
  }

  async function finish(manifest: ReleaseManifest): Promise<KernelRelease> {
    const used = await inUse.get();
    const isFirst = used === null || (await files.find(used)) === null;
    if (isFirst) await inUse.set(manifest.version);
    onChange(await list());
    return toRelease(manifest, isFirst ? manifest.version : used);
  }

  async function installOfficial(request: InstallRequest, context: CallContext): Promise<ReleaseManifest> {
    await notice.require(request.accept);
    const asked = request.version ?? latest;
    const version = asked === latest ? await official.latest(context) : asked;
    const there = await files.find(version);
    if (there?.source === 'local') throw nameTaken(version, 'A local build has that name.');
    if (there !== null) return there;
    return await files.withTemp(async (temp) => {
      const to = join(temp, 'release');
      await official.fetchInto(to, version, temp, context);
      const parts = await checkParts(to, `Nanos ${version}`);
      return await files.publish(to, manifestOf(version, 'official', parts));
    });
  }

  async function installLocal(from: string, request: InstallRequest, context: CallContext): Promise<ReleaseManifest> {
    return await files.withTemp(async (temp) => {
      const to = join(temp, 'release');
      context.progress({ step: 'copy', message: `Copying Nanos from ${from}` });
      await takeLocalBuild(from, to, context.signal);
      const parts = await checkParts(to, from);
      const version = request.as ?? versionIn(from) ?? `local-${parts.digest.slice(0, 8)}`;
      context.signal.throwIfAborted();
      const published = await files.publish(to, manifestOf(version, 'local', parts));
      if (published.digest !== parts.digest) throw nameTaken(version, 'Another build has that name.');
      return published;
    });
  }

  return {
    notice,
    list,

    install: async (request, context) => {
      checkRequest(request);
      const { from } = request;
      return await finish(
        from === undefined ? await installOfficial(request, context) : await installLocal(from, request, context),
      );
    },

    use: async (version) => {
      const manifest = await find(version);
      await inUse.set(version);
      onChange(await list());
      return toRelease(manifest, version);
    },

    remove: async (version) => {
      if (!(await files.remove(version))) await find(version);
      if ((await inUse.get()) === version) await inUse.set((await files.list())[0]?.version ?? null);
      onChange(await list());
    },

    resolve: async (asked) => {
      const version = asked === undefined || asked === latest ? await inUse.get() : asked;
      const manifest = version === null ? null : await files.find(version);
      if (manifest === null) throw await missing(version, files.list);
      return toFiles(manifest, files.dirOf(manifest.version));
    },
  };
}

function checkRequest({ version, from, as }: InstallRequest): void {
  const refuse = (message: string, hint: string) => new FirstlightError('BAD_INPUT', message, { hint });
  if (from !== undefined && version !== undefined) {
    throw refuse('A local build is not downloaded: it takes no version.', 'Give it a name with --as.');
  }
  if (from === undefined && as !== undefined) {
    throw refuse('Only a local build can be given a name.', 'Leave --as out, or name the build with --from.');
  }
  if (as === latest) throw refuse(`A build cannot be called "${latest}".`, 'That means the newest official release.');
}

const manifestOf = (version: string, source: KernelRelease['source'], parts: CheckedParts): ReleaseManifest => ({
  format: 1,
  version,
  source,
  installedAt: new Date().toISOString(),
  ...parts,
});

function toRelease(manifest: ReleaseManifest, used: string | null): KernelRelease {
  const { version, source, installedAt, digest, files } = manifest;
  return {
    version,
    source,
    inUse: version === used,
    installedAt,
    bytes: Object.values(files).reduce((sum, bytes) => sum + bytes, 0),
    modules: klibsOf(manifest),
    hasSymbols: files[symbolsName] !== undefined,
    digest,
  };
}

function toFiles(manifest: ReleaseManifest, dir: string): NanosFiles {
  return {
    version: manifest.version,
    kernelImg: join(dir, kernelName),
    kernelElf: manifest.files[symbolsName] === undefined ? null : join(dir, symbolsName),
    bootImg: join(dir, bootName),
    klibs: new Map(klibsOf(manifest).map((name) => [name, join(dir, klibsName, name)])),
    digest: manifest.digest,
  };
}

function klibsOf({ files }: ReleaseManifest): string[] {
  const prefix = `${klibsName}/`;
  return Object.keys(files)
    .filter((path) => path.startsWith(prefix))
    .map((path) => path.slice(prefix.length));
}

const nameTaken = (version: string, why: string) =>
  new FirstlightError('ALREADY_EXISTS', `Nanos ${version} is installed already. ${why}`, {
    hint: `Remove it with \`firstlight nanos rm ${version}\`, or give the build another name with --as.`,
    details: { subject: version },
  });

async function missing(version: string | null, list: () => Promise<ReleaseManifest[]>): Promise<FirstlightError> {
  const names = (await list()).map((manifest) => manifest.version);
  if (names.length === 0) {
    return new FirstlightError('RELEASE_MISSING', 'No release of Nanos is installed.', {
      hint: '`firstlight nanos install` downloads the newest; with `--from DIR` it takes a build from this machine.',
    });
  }
  const message = version === null ? 'No release of Nanos is in use.' : `Nanos ${version} is not installed.`;
  const install = version === null ? '' : ` \`firstlight nanos install ${version}\` downloads it.`;
  return new FirstlightError('RELEASE_MISSING', message, {
    hint: `There are: ${names.join(', ')}. Choose one with \`firstlight nanos use\`.${install}`,
    details: { subject: version ?? undefined },
  });
}
