import type { CallOptions } from './call-options.ts';
import type { CallSpec } from './protocol-types.ts';
import type { LibvirtStream } from './stream.ts';

/** The part of a connection that a handle on a domain uses. */
export interface Caller {
  /** Makes one call. Errors: LibvirtError, LibvirtConnectionError, LibvirtTimeoutError. */
  call<Args, Ret>(spec: CallSpec<Args, Ret>, args: Args, options?: CallOptions): Promise<Ret>;
  /** Makes a call that opens a stream. */
  openStream<Args>(spec: CallSpec<Args, void>, args: Args, options?: CallOptions): Promise<LibvirtStream>;
}
