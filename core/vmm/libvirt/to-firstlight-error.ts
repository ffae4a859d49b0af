import { LibvirtConnectionError, LibvirtError, LibvirtTimeoutError } from 'node-libvirt';
import { type ErrorCode, FirstlightError, toFirstlightError } from '#shared/errors.ts';
import { isSystemSocket } from './is-elsewhere.ts';

/** The action, for messages: `start the instance hello-1a2b`. */
export type Doing = string;

/**
 * Our error for an error of libvirt or of the connection to it.
 *
 * Errors: gives (does not throw) LIBVIRT_UNREACHABLE, LIBVIRT_DENIED, LIBVIRT_LOST, LIBVIRT_FAILED, QEMU_MISSING,
 * INSTANCE_LOST, PORT_IN_USE, BAD_INPUT; anything else as `toFirstlightError` does.
 */
export function fromLibvirt(thrown: unknown, doing: Doing): FirstlightError {
  if (thrown instanceof LibvirtConnectionError) return fromConnectionError(thrown, doing);
  if (thrown instanceof LibvirtTimeoutError) {
    return new FirstlightError(
      'LIBVIRT_FAILED',
      `Could not ${doing}: libvirt did not answer in ${thrown.timeoutMs} ms.`,
      {
        hint: 'Run `firstlight doctor`: it finds what makes libvirt slow.',
        cause: thrown,
      },
    );
  }
  if (thrown instanceof LibvirtError) return fromDaemonError(thrown, doing);
  return toFirstlightError(thrown);
}

/** The result of `work`, with errors of libvirt as our own errors. */
export async function withLibvirtErrors<T>(doing: Doing, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw fromLibvirt(thrown, doing);
  }
}

const deniedHint =
  'Join the group "libvirt" and log in again, or use your own daemon: unset FIRSTLIGHT_URI, or set it to qemu:///session.';

const connectionCodes: Readonly<Record<LibvirtConnectionError['reason'], ErrorCode>> = {
  'bad-uri': 'BAD_INPUT',
  'no-daemon': 'LIBVIRT_UNREACHABLE',
  'connect-failed': 'LIBVIRT_UNREACHABLE',
  'spawn-failed': 'LIBVIRT_UNREACHABLE',
  'permission-denied': 'LIBVIRT_DENIED',
  'auth-failed': 'LIBVIRT_DENIED',
  'host-key-unknown': 'LIBVIRT_DENIED',
  'host-key-changed': 'LIBVIRT_DENIED',
  'auth-unsupported': 'LIBVIRT_DENIED',
  disconnected: 'LIBVIRT_LOST',
  'keepalive-timeout': 'LIBVIRT_LOST',
  protocol: 'LIBVIRT_LOST',
  closed: 'LIBVIRT_LOST',
};

function fromConnectionError(error: LibvirtConnectionError, doing: Doing): FirstlightError {
  const code = connectionCodes[error.reason];
  const fallback =
    code === 'LIBVIRT_LOST'
      ? 'The libvirt daemon ended or restarted. Try again; if it is not running, `firstlight doctor --fix` starts it.'
      : 'Run `firstlight doctor`: it names the command that repairs it.';
  const { socketPath } = error;
  const ours: Partial<Record<LibvirtConnectionError['reason'], string>> = {
    'no-daemon':
      socketPath === undefined || isSystemSocket(socketPath)
        ? 'Start it: `firstlight doctor --fix` as root does so; by hand: systemctl start libvirtd, or libvirtd -d as root.'
        : `${error.hint ?? 'Start the daemon that serves this socket.'} \`firstlight doctor\` tries again.`,
    'permission-denied': deniedHint,
    'auth-failed': deniedHint,
  };
  // A socket of this machine: the hints for other hosts are the library's.
  const hint = socketPath === undefined ? undefined : ours[error.reason];
  return new FirstlightError(code, `Could not ${doing}: ${error.message}.`, {
    hint: hint ?? error.hint ?? fallback,
    details: socketPath === undefined ? {} : { subject: socketPath },
    cause: error,
  });
}

function fromDaemonError(error: LibvirtError, doing: Doing): FirstlightError {
  const make = (code: ErrorCode, hint: string) =>
    new FirstlightError(code, `Could not ${doing}: ${error.message}`, {
      hint,
      details: { output: `${error.codeName} (${error.domainName}): ${error.message}` },
      cause: error,
    });
  const says = (pattern: RegExp) => pattern.test(error.message);
  switch (error.codeName) {
    case 'VIR_ERR_NO_DOMAIN':
      return make('INSTANCE_LOST', 'The instance has ended. Run the function again.');
    case 'VIR_ERR_NO_CONNECT':
      return make('BAD_INPUT', 'Set FIRSTLIGHT_URI to qemu:///system or qemu:///session, or leave it out.');
    case 'VIR_ERR_AUTH_FAILED':
    case 'VIR_ERR_AUTH_CANCELLED':
    case 'VIR_ERR_AUTH_UNAVAILABLE':
    case 'VIR_ERR_ACCESS_DENIED':
      return make('LIBVIRT_DENIED', deniedHint);
  }
  if (says(/domaintype=kvm|does not support virt type 'kvm'|KVM is not available/i)) {
    return make('ACCEL_UNUSABLE', 'Run `firstlight doctor`: it says what is wrong with KVM and chooses emulation.');
  }
  if (says(/could not find capabilities|(cannot find|no).*emulator|cannot check QEMU binary/i)) {
    return make('QEMU_MISSING', 'Install QEMU (Debian: apt install qemu-system-x86).');
  }
  if (says(/host forwarding rule/i)) {
    return make('PORT_IN_USE', 'Another program has that port of the address: end it, or try again.');
  }
  if (says(/no space left/i)) return make('DISK_FULL', 'Free some space, then run again.');
  if (says(/permission denied/i)) {
    return make('LIBVIRT_FAILED', "QEMU's user may not read a file: `firstlight doctor` names the folder and the fix.");
  }
  return make('LIBVIRT_FAILED', 'Run `firstlight doctor`; libvirt writes more to /var/log/libvirt/qemu/.');
}
