import { isRemote } from './is-remote.ts';

/** Whether a socket is one of the daemons that this machine's service manager starts. */
export const isSystemSocket = (path: string): boolean => /^(\/var)?\/run\/libvirt\//.test(path);

/** Whether an address is of a daemon that this machine's commands do not start: on another host, or on its own socket. */
export function isElsewhere(uri: string): boolean {
  if (isRemote(uri)) return true;
  const socket = URL.canParse(uri) ? new URL(uri).searchParams.get('socket') : null;
  return socket !== null && !isSystemSocket(socket);
}
