/** The releases of a kernel, for runtimes whose kernel a person installs. */
import type { CallContext, CallRequest } from '#shared/contract/index.ts';
import type { KernelRelease } from '#shared/model/kernel.ts';

export type InstallRequest = Omit<CallRequest<'kernels:install'>, 'runtime'>;

export interface RuntimeKernels {
  /** The text that a person accepts before a binary release is installed. */
  readonly notice: { readonly text: string; readonly isAccepted: () => Promise<boolean> };
  /** The one in use first, then the newest. */
  readonly list: () => Promise<KernelRelease[]>;
  /** Installs a release, and makes it the one in use when there is none. Errors: as `kernels:install`. */
  readonly install: (request: InstallRequest, context: CallContext) => Promise<KernelRelease>;
  /** Errors: NOT_FOUND. */
  readonly use: (version: string) => Promise<KernelRelease>;
  /** Removes a release; when it was in use, the newest of the others is then. Errors: NOT_FOUND. */
  readonly remove: (version: string) => Promise<void>;
}
