/** A containerd of a test's own, with runc, and a static program to run in it. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';

/** Why containerd cannot be used here, in words; null where it can. */
export function whyNoContainerd(): string | null {
  const lacking = ['containerd', 'ctr', 'runc', 'gcc'].filter((name) => spawnSync(name, ['--version']).error);
  if (process.getuid?.() !== 0) return 'only root runs containerd';
  return lacking.length > 0 ? `no ${lacking[0]}` : null;
}

/** Starts it in a folder of its own, beside the C program `probe`. */
export async function startContainerd(name: string, probeSource: string) {
  const dir = mkdtempSync(join(tmpdir(), `fl-${name}-`));
  const probePath = join(dir, 'probe');
  writeFileSync(`${probePath}.c`, probeSource);
  execFileSync('gcc', ['-static', '-Os', '-o', probePath, `${probePath}.c`]);
  const config = join(dir, 'containerd.toml');
  writeFileSync(config, 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n');
  const socket = join(dir, 'c.sock');
  const places = ['--root', join(dir, 'root'), '--state', join(dir, 'state'), '--address', socket];
  const daemon = spawn('containerd', ['--config', config, ...places], { stdio: 'ignore' });
  const ctr = (...words: string[]) =>
    spawnSync('ctr', ['--address', socket, ...words], { encoding: 'utf8', timeout: 60_000 });
  const stop = async () => {
    const ended = new Promise((resolve) => daemon.once('exit', resolve));
    daemon.kill('SIGTERM');
    await ended;
    rmSync(dir, { recursive: true, force: true });
  };
  await vi.waitFor(() => expect(ctr('version').status).toBe(0), { timeout: 30_000, interval: 100 });
  return { dir, probePath, ctr, stop };
}

export type Containerd = Awaited<ReturnType<typeof startContainerd>>;
