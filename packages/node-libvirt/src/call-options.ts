/** The times when a call was made, written to the socket and answered. Units: nanoseconds of process.hrtime. */
export interface CallTiming {
  /** The call was made; it may have waited for a free place among the five in flight. */
  queuedAtNs: bigint;
  sentAtNs: bigint;
  /** The reply's bytes reached this process. */
  receivedAtNs: bigint;
}

/** The options of every call. */
export interface CallOptions {
  /** Gives up waiting when aborted; the promise rejects with the signal's reason. libvirt may still carry it out. */
  signal?: AbortSignal;
  /** Gives up waiting after this long, with LibvirtTimeoutError. Without it a call waits as long as the connection. */
  timeoutMs?: number;
  /** The times are filled in as the call proceeds: pass `{}` and read it afterwards. */
  timing?: Partial<CallTiming>;
}
