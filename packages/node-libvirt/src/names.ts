import { LibvirtError } from './errors.ts';
import { ErrorCode, ErrorDomain, type RemoteError } from './protocol.gen.ts';

/** Converts a table such as DomainState into a look-up from number to key. */
export function namesOf(table: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(table).map(([name, value]) => [value, name]));
}

const codeNames = namesOf(ErrorCode);
const domainNames = namesOf(ErrorDomain);

/** `START_PAUSED` to `start-paused`: the form of libvirt's names in this client. */
function toKebab(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

/** `RUNNING` as `running`; a number this release does not know as `unknown-<n>`. */
export function nameIn(names: ReadonlyMap<number, string> | undefined, value: number): string {
  const name = names?.get(value);
  return name === undefined ? `unknown-${value}` : toKebab(name);
}

/** Makes the error that a call rejects with from the error struct that the server sent. */
export function toLibvirtError(error: RemoteError, call: string): LibvirtError {
  const codeName = codeNames.get(error.code) ?? `VIR_ERR_${error.code}`;
  return new LibvirtError({
    code: error.code,
    codeName,
    domain: error.domain,
    domainName: domainNames.get(error.domain) ?? `VIR_FROM_${error.domain}`,
    level: error.level,
    message: error.message ?? codeName,
    call,
  });
}

/** True when libvirt reports that the requested object does not exist (a domain, its metadata, a device). */
export function isNotFound(error: unknown): error is LibvirtError {
  return (
    error instanceof LibvirtError &&
    (error.code === ErrorCode.VIR_ERR_NO_DOMAIN ||
      error.code === ErrorCode.VIR_ERR_NO_DOMAIN_METADATA ||
      error.code === ErrorCode.VIR_ERR_NO_STORAGE_POOL ||
      error.code === ErrorCode.VIR_ERR_NO_STORAGE_VOL ||
      error.code === ErrorCode.VIR_ERR_DEVICE_MISSING)
  );
}

/** True when libvirt refuses because of the domain's present state, as in the resumption of a running domain. */
export function isOperationInvalid(error: unknown): error is LibvirtError {
  return error instanceof LibvirtError && error.code === ErrorCode.VIR_ERR_OPERATION_INVALID;
}
