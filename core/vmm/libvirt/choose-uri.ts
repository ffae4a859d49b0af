/**
 * The libvirt URI to use: the requested one, else the system daemon for root and the user's own daemon for anyone else.
 *
 * Source: as root every `qemu:///…` URI reaches the system daemon, so `session` would mislead there.
 */
export function chooseUri(asked: string | undefined, env: NodeJS.ProcessEnv, uid: number): string {
  return asked ?? (env.FIRSTLIGHT_URI || undefined) ?? (uid === 0 ? 'qemu:///system' : 'qemu:///session');
}
