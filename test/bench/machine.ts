import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { connect } from 'node-libvirt';

/** The machine and the programs of a measurement. Units: `memoryMiB` in MiB. */
export interface BenchMachine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly qemu: string;
  readonly libvirt: string;
  readonly uri: string;
}

/** The daemon for benchmarks: the system daemon for root, the user's own for other users. */
export const benchUri = process.env.FIRSTLIGHT_URI ?? (process.getuid?.() === 0 ? 'qemu:///system' : 'qemu:///session');

/** Describes this machine. Errors: throws when QEMU or libvirt cannot be reached. */
export async function describeMachine(): Promise<BenchMachine> {
  const qemuSays = execFileSync('qemu-system-x86_64', ['--version'], { encoding: 'utf8' });
  const connection = await connect({ uri: benchUri });
  try {
    const { major, minor, release: patch } = await connection.libVersion();
    return {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryMiB: Math.round(totalmem() / 2 ** 20),
      kernel: release(),
      node: process.versions.node,
      qemu: /version (\S+)/.exec(qemuSays)?.[1] ?? 'unknown',
      libvirt: `${major}.${minor}.${patch}`,
      uri: benchUri,
    };
  } finally {
    await connection.close();
  }
}
