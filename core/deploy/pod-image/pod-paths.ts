/** Where things lie in a pod that carries its own VMM, and the ports that its supervisor listens on. */
export const podPaths = {
  supervisor: '/firstlight/supervisor',
  kernel: '/firstlight/kernel',
  firmware: '/firstlight/firmware.rom',
  qemuArgs: '/firstlight/qemu.args',
  /** On a read-only root this is a volume of the pod's own. */
  runDir: '/run/firstlight',
} as const;

export const podPorts = { http: 8080, status: 8081 } as const;

/** Whom the pod runs as: nobody in particular, and not root. */
export const podUser = 65_532;
