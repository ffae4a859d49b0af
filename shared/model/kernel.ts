/** Releases of a runtime's kernel that a person installs and selects. */
import { z } from 'zod';

/** `latest`, or the version of a release. A local build has its own name. */
export const kernelVersionSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'a release such as 0.1.54, or the name of a local build');

/** A release on this machine. Units: `bytes` of all its files. */
export const kernelReleaseSchema = z.object({
  version: z.string(),
  /** `official`: downloaded. `local`: taken from a person's directory or tarball. */
  source: z.enum(['official', 'local']),
  inUse: z.boolean(),
  installedAt: z.string(),
  bytes: z.number().int().nonnegative(),
  /** The names of the kernel's loadable parts. */
  modules: z.array(z.string()),
  /** A kernel with symbols: a crash report names functions. */
  hasSymbols: z.boolean(),
  /** sha256 of the installed content, in hex. */
  digest: z.string(),
});
export type KernelRelease = z.output<typeof kernelReleaseSchema>;

/** A runtime's texts about its kernels. */
export const kernelWordsSchema = z.object({
  /** One or two sentences on a release and its purpose. */
  description: z.string(),
  /** The runtime's word for the loadable parts of a kernel, in the plural. */
  moduleWord: z.string(),
  /** The form of a folder or tarball that a local build is installed from. */
  localBuild: z.string(),
  /** The option of the runtime that names a release. */
  releaseOption: z.string(),
  /** The option of the runtime that lists the parts to load. */
  modulesOption: z.string(),
});
export type KernelWords = z.output<typeof kernelWordsSchema>;
