/** The images of a runtime: a bundle of its own kind, and a bootable image of it. */
import type { Progress } from '#shared/contract/define.ts';
import type { Problem } from '#shared/errors.ts';
import type { Ask } from '#shared/model/ask.ts';
import type { BuildStep } from '#shared/model/image.ts';
import type { Json } from '#shared/model/json.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import type { Bundle } from './bundle.ts';

/**
 * The JavaScript engine that a function is bundled for. `bare`: QuickJS without Node.js' modules or files, whose missing
 * globals come from shims; `node`: Node.js with a file system.
 */
export type BundleEngine = 'bare' | 'node';

/** A file or folder of a project that goes into its image as it is. */
export interface OwnPath {
  /** The key of firstlight.json that names it. */
  readonly key: string;
  /** Shape: absolute, or relative to the project. */
  readonly path: string;
  /** True for the name of an entry that is left out, with all below it. */
  readonly skip?: (name: string) => boolean;
}

/** The parts of a project that go into a bundle. All of it follows from the configuration. */
export interface RuntimeBundling {
  readonly engine: BundleEngine;
  /** True when a handler is run, and not an existing program. */
  readonly runsFunction: (config: ProjectConfig) => boolean;
  /** The files that firstlight.json takes into the image, without a function's code. */
  readonly ownPaths: (config: ProjectConfig) => readonly OwnPath[];
  /** The folders of this machine that a guest reads while it runs. Default: none. */
  readonly sharedPaths?: (config: ProjectConfig) => readonly OwnPath[];
  /** True when a function has `fetch` on a bare engine. Its answer follows from `optionsInImage`. Default: never. */
  readonly hasFetch?: (config: ProjectConfig) => boolean;
  /** True when a function on a bare engine has files to read. Its answer follows from `optionsInImage`. Default: never. */
  readonly hasFiles?: (config: ProjectConfig) => boolean;
  /** The network that a machine of this configuration could reach in addition to its own ports. */
  readonly networkAsks: (config: ProjectConfig) => readonly Ask[];
  /** The values that change an image when they change, other than name and env. */
  readonly optionsInImage: (config: ProjectConfig) => readonly Json[];
}

/** The result of an image build. */
export interface BuiltImage {
  readonly bytes: number;
  /** The digest of the whole file in hex, where its writer knows it: else the file is read for it. */
  readonly sha256?: string | undefined;
  /** Information for the runtime's later use, in the runtime's own form. */
  readonly runtimeInfo?: string | undefined;
  /** The digest of its base. */
  readonly base?: string | undefined;
  /** Warnings about the image, without those of the bundle. */
  readonly warnings?: readonly Problem[] | undefined;
  readonly minMemoryMiB: number;
  /** The variables whose values the image depends on, where its writer knows them; `*`: all. */
  readonly envAtLoad?: readonly string[] | undefined;
  /** Whether the image depends on its arguments, where its writer knows that. */
  readonly argsAtLoad?: boolean | undefined;
  readonly steps: readonly {
    readonly name: BuildStep['name'];
    readonly reused: boolean;
    readonly reason: string;
    readonly durationMs: number;
  }[];
}

export interface BuildContext {
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
}

/** The bases of a runtime's images: disks, each named by the digest of its content. */
export interface Bases {
  /** True when it is complete. */
  readonly has: (digest: string) => Promise<boolean>;
  /** Units: `bytes` as they take room on this host. */
  readonly list: () => Promise<readonly { readonly digest: string; readonly bytes: number }[]>;
  /** Drops the bases that are not among `used` and were not requested lately. */
  readonly prune: (used: ReadonlySet<string>) => Promise<void>;
}

/** A part of an image for a bill of materials, such as its kernel. */
export interface ImagePart {
  readonly kind: 'operating-system' | 'library';
  readonly name: string;
  readonly version: string;
  /** Source: package-url specification. */
  readonly purl: string | null;
  /** An SPDX identifier; null where it is not known. */
  readonly license: string | null;
}

/** The contents of an image other than its function's code. */
export interface ImageParts {
  readonly parts: readonly ImagePart[];
  /** The files of this machine that it has. */
  readonly hostFiles: readonly string[];
}

/** The images of a runtime. */
export interface RuntimeImages {
  readonly bundling: RuntimeBundling;
  /** The runtime's part of an image's id: its kernel, its builder's version, its additions to the bundle. */
  readonly fingerprint: (config: ProjectConfig, projectDir: string, context: BuildContext) => Promise<string>;
  /** The files that the fingerprint follows from, where it follows from nothing else but the configuration. */
  readonly fingerprintFiles?: (config: ProjectConfig) => readonly string[];
  /** Writes the bootable file at `path`, whole or not at all. */
  readonly buildImage: (bundle: Bundle, path: string, context: BuildContext) => Promise<BuiltImage>;
  /** What its images consist of beside the function. Default: the kernel that its fingerprint names. */
  readonly listParts?: (bundle: Bundle, context: BuildContext) => Promise<ImageParts>;
  /** The bases, for runtimes whose images share some. */
  readonly bases?: Bases;
}
