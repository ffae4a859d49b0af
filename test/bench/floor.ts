import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Connection } from 'node-libvirt';
import { locateResources } from '#core/store/resources.ts';
import type { Accel } from '#shared/model/instance.ts';

const qbootPath = '/usr/share/qemu/qboot.rom';

/** The times of the smallest guest. Units: ms from the call to its first serial byte. */
export interface Floor {
  /** From the call that creates and starts the domain. */
  readonly measureCold: () => Promise<number>;
  /** From the call that resumes a domain that was created paused. */
  readonly measureResume: () => Promise<number>;
}

/**
 * The floor that a cold start is compared with: a guest that writes one byte and halts, over the same libvirt connection.
 *
 * Its serial port connects to our socket, so that the byte arrives at the moment when QEMU writes it.
 */
export function createFloor(connection: Connection, accel: Accel, home: string): Floor {
  const dir = join(home, 'floor');
  mkdirSync(dir, { recursive: true });
  chmodSync(dir, 0o711);
  const kernelPath = join(dir, 'floor.elf');
  copyFileSync(locateResources().floorKernelPath, kernelPath);
  chmodSync(kernelPath, 0o644);
  let count = 0;

  async function measure(paused: boolean): Promise<number> {
    count += 1;
    const name = `firstlight-bench-floor-${process.pid}-${count}`;
    const socketPath = join(dir, `${count}.sock`);
    const byte = await listenForByte(socketPath);
    const xml = writeXml({ name, accel, kernelPath, socketPath });
    try {
      const createdAtMs = performance.now();
      const domain = await connection.createDomainXml(xml, { autodestroy: true, paused, timeoutMs: 60_000 });
      try {
        let startedAtMs = createdAtMs;
        if (paused) {
          startedAtMs = performance.now();
          await domain.resume();
        }
        return (await byte.arrivedAtMs) - startedAtMs;
      } finally {
        await domain.destroy();
      }
    } finally {
      byte.close();
      rmSync(socketPath, { force: true });
    }
  }
  return { measureCold: () => measure(false), measureResume: () => measure(true) };
}

/** A socket that any user may write to, and the time of the first byte. */
async function listenForByte(path: string) {
  let settle = (_atMs: number) => {};
  let fail = (_error: Error) => {};
  const arrivedAtMs = new Promise<number>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  const timer = setTimeout(() => fail(new Error('the floor guest wrote nothing for 60 s')), 60_000);
  // After a failed create no code awaits the byte.
  arrivedAtMs.catch(() => undefined);
  const server = createServer((socket) => {
    socket.once('data', () => settle(performance.now()));
    socket.once('error', fail);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o666);
  return {
    arrivedAtMs,
    close: () => {
      clearTimeout(timer);
      server.close();
    },
  };
}

interface FloorXml {
  readonly name: string;
  readonly accel: Accel;
  readonly kernelPath: string;
  readonly socketPath: string;
}

function writeXml({ name, accel, kernelPath, socketPath }: FloorXml): string {
  const loader = existsSync(qbootPath) ? `<loader readonly="yes" type="rom">${qbootPath}</loader>` : '';
  return `<domain type="${accel === 'kvm' ? 'kvm' : 'qemu'}">
    <name>${name}</name><memory unit="MiB">16</memory><vcpu>1</vcpu>
    <os><type arch="x86_64" machine="pc">hvm</type>${loader}<kernel>${kernelPath}</kernel></os>
    <on_poweroff>destroy</on_poweroff><on_reboot>destroy</on_reboot><on_crash>destroy</on_crash>
    <devices>
      <controller type="usb" model="none"/><memballoon model="none"/>
      <serial type="unix"><source mode="connect" path="${socketPath}"/><target port="0"/></serial>
    </devices>
  </domain>`;
}
