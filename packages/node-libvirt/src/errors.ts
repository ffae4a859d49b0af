/** The reason why a connection could not be opened, or ended. */
export type ConnectionErrorReason =
  | 'bad-uri'
  | 'no-daemon'
  | 'permission-denied'
  | 'connect-failed'
  | 'spawn-failed'
  | 'auth-unsupported'
  | 'auth-failed'
  | 'host-key-unknown'
  | 'host-key-changed'
  | 'disconnected'
  | 'keepalive-timeout'
  | 'protocol'
  | 'closed';

/** The fields of an error that libvirt reports. */
export interface LibvirtErrorFields {
  /** libvirt's virErrorNumber, as in 42. */
  code: number;
  /** Its name, as in `VIR_ERR_NO_DOMAIN`; `VIR_ERR_<number>` when this client does not know it. */
  codeName: string;
  /** libvirt's virErrorDomain: the part of libvirt that reports, as in 10. */
  domain: number;
  /** Its name, as in `VIR_FROM_QEMU`. */
  domainName: string;
  /** 1 is a warning, 2 an error. */
  level: number;
  message: string;
  /** The call that failed, as in `domainResume`. */
  call: string;
}

/** An error that the libvirt daemon reported for one call or stream. */
export class LibvirtError extends Error {
  override readonly name = 'LibvirtError';
  readonly code: number;
  readonly codeName: string;
  readonly domain: number;
  readonly domainName: string;
  readonly level: number;
  readonly call: string;

  constructor(fields: LibvirtErrorFields) {
    super(fields.message);
    this.code = fields.code;
    this.codeName = fields.codeName;
    this.domain = fields.domain;
    this.domainName = fields.domainName;
    this.level = fields.level;
    this.call = fields.call;
  }
}

/** Reports that there is no working connection: it could not be opened, or it ended during a call or stream. */
export class LibvirtConnectionError extends Error {
  override readonly name: string = 'LibvirtConnectionError';
  readonly reason: ConnectionErrorReason;
  /** The socket, when one is known. */
  readonly socketPath: string | undefined;
  /** The remedy for a person, when one is known. */
  readonly hint: string | undefined;

  constructor(
    reason: ConnectionErrorReason,
    message: string,
    details: { socketPath?: string | undefined; hint?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.reason = reason;
    this.socketPath = details.socketPath;
    this.hint = details.hint;
  }
}

/** Reports bytes from the server that violate the protocol. The connection is closed and stays closed. */
export class LibvirtProtocolError extends LibvirtConnectionError {
  override readonly name = 'LibvirtProtocolError';

  constructor(message: string) {
    super('protocol', message);
  }
}

/** Reports that a call took longer than its `timeoutMs`. libvirt may still carry it out. */
export class LibvirtTimeoutError extends Error {
  override readonly name = 'LibvirtTimeoutError';
  readonly call: string;
  readonly timeoutMs: number;

  constructor(call: string, timeoutMs: number) {
    super(`${call} did not answer within ${timeoutMs} ms`);
    this.call = call;
    this.timeoutMs = timeoutMs;
  }
}
