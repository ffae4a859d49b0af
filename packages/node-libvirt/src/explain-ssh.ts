import { type ConnectionErrorReason, LibvirtConnectionError } from './errors.ts';

interface Explanation {
  says: RegExp;
  reason: ConnectionErrorReason;
  /** Follows the host. */
  message: string;
  hint: string;
}

/** What ssh and `virt-ssh-helper` say in English, the most telling first. */
const explanations: readonly Explanation[] = [
  {
    says: /REMOTE HOST IDENTIFICATION HAS CHANGED|host key for .* has changed/i,
    reason: 'host-key-changed',
    message: 'has another host key than the one that is known',
    hint: 'Find out why before you go on: it may be another machine. If the key was replaced on purpose, forget the old one: ssh-keygen -R <host>.',
  },
  {
    says: /Host key verification failed|No .* host key is known/i,
    reason: 'host-key-unknown',
    message: 'has a host key that is not known here',
    hint: 'Connect once with ssh in a terminal, compare the key, and accept it.',
  },
  {
    says: /Permission denied \(|Too many authentication failures|no supported authentication methods/i,
    reason: 'auth-failed',
    message: 'refused the login',
    hint: 'Nothing is asked here: a key must be in the agent, in ~/.ssh, or named with ?keyfile=.',
  },
  {
    says: /Failed to connect socket.*(No such file|refused)|cannot find|no connection driver/i,
    reason: 'no-daemon',
    message: 'runs no libvirt daemon',
    hint: 'Install and start libvirt there (Debian: libvirt-daemon-system).',
  },
  {
    says: /Failed to connect socket.*Permission denied/i,
    reason: 'permission-denied',
    message: 'does not let this user use its libvirt',
    hint: 'Have that user join the group "libvirt" there, or name another user: qemu+ssh://user@host/system.',
  },
  {
    says: /administratively prohibited|forwarding .*(disabled|failed)|Port forwarding failed/i,
    reason: 'connect-failed',
    message: 'forwards no sockets',
    hint: 'Set AllowStreamLocalForwarding yes in its sshd_config, or install virt-ssh-helper there (Debian: libvirt-daemon).',
  },
];

/** The error for what ssh has said about a host. */
export function explainSsh(text: string, description: string): LibvirtConnectionError {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^@|^Warning: Permanently added/.test(line));
  const last = lines.at(-1) ?? 'ssh ended without a word';
  const found = explanations.find(({ says }) => says.test(text));
  if (found === undefined) {
    return new LibvirtConnectionError('connect-failed', `cannot connect to ${description} by ssh: ${last}`, {
      hint: 'Try it with ssh in a terminal.',
    });
  }
  return new LibvirtConnectionError(found.reason, `${description} ${found.message} (${last})`, { hint: found.hint });
}
