/** The paths in a pod with its own VMM, and the ports that its supervisor listens on. */
export const podPaths = {
  supervisor: '/firstlight/supervisor',
  kernel: '/firstlight/kernel',
  firmware: '/firstlight/firmware.rom',
  disk: '/firstlight/disk.qcow2',
  baseDisk: '/firstlight/base.raw',
  qemuArgs: '/firstlight/qemu.args',
  /** On a read-only root this is the pod's own volume. */
  runDir: '/run/firstlight',
} as const;

export const podPorts = { http: 8080, status: 8081 } as const;

/** The user that the pod runs as: an unassigned id, not root. */
export const podUser = 65_532;

/** The supervisor hands a variable of the pod to the guest, without this prefix: guest/pod/environ.c. */
export const variablePrefix = 'FIRSTLIGHT_ENV_';
