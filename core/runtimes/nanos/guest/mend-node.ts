/** Members of Node.js that read files which Nanos does not have: they throw there, or know of no processor. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { dirname } from 'node:path';

/** Source: `uv_resident_set_memory` in libuv, which takes the pages in field 24 of this file. */
const statPath = '/proc/self/stat';
const stat = `1 (node) R${' 0'.repeat(49)}\n`;

/** Gives the function a `process.memoryUsage` that answers, and `os.cpus()` with the processors of the machine. */
export function mendNode(): void {
  if (!existsSync(statPath)) process.memoryUsage = memoryUsageBy(process.memoryUsage, writeStat);
  if (os.cpus().length === 0) {
    os.cpus = readCpus;
    syncBuiltinESMExports();
  }
}

function writeStat(): void {
  mkdirSync(dirname(statPath), { recursive: true });
  writeFileSync(statPath, stat);
}

/**
 * The native figures, which need the file that `prepare` writes at the first call; what is resident is the memory of the
 * machine that is in use, its kernel's included. Units: bytes.
 */
export function memoryUsageBy(native: () => NodeJS.MemoryUsage, prepare: () => void): NodeJS.MemoryUsageFn {
  const rss = () => os.totalmem() - os.freemem();
  let isPrepared = false;
  const all = () => {
    if (!isPrepared) prepare();
    isPrepared = true;
    return { ...native(), rss: rss() };
  };
  return Object.assign(all, { rss });
}

/** The processors, which share the time of the process. Units: ms, as `os.cpus` has them; a speed of 0 is unknown. */
export function readCpus(): os.CpuInfo[] {
  const count = os.availableParallelism();
  const { user, system } = process.cpuUsage();
  const each = (us: number) => Math.round(us / 1000 / count);
  const idle = Math.max(0, Math.round(os.uptime() * 1000) - each(user) - each(system));
  const times = { user: each(user), nice: 0, sys: each(system), idle, irq: 0 };
  return Array.from({ length: count }, () => ({ model: 'virtual processor', speed: 0, times: { ...times } }));
}
