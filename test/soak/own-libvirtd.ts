import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SoakHome } from './home.ts';

/** A libvirtd without other users, so that it can be killed. */
export interface OwnLibvirtd {
  readonly uri: string;
  readonly start: () => Promise<void>;
  /** Kills it with `kill -9`. */
  readonly kill: () => Promise<void>;
  /** Ends the daemon and all its guests. */
  readonly close: () => Promise<void>;
}

interface Reply {
  readonly done?: string;
  readonly error?: string;
}

/** The reason why it cannot run here, or null. */
export const whyNoOwnLibvirtd = (): string | null =>
  process.getuid?.() === 0 ? null : 'a libvirtd of its own needs root, for a mount namespace';

/**
 * Starts a libvirtd in a separate mount namespace, with its socket below `home`.
 *
 * Errors: an Error with the output of the daemon, or of `unshare`.
 */
export async function startOwnLibvirtd(home: SoakHome): Promise<OwnLibvirtd> {
  const dir = join(home.dir, 'libvirt');
  mkdirSync(dir);
  chmodSync(dir, 0o755);
  const program = process.env.FIRSTLIGHT_SOAK_DAEMON ?? '';
  const child = spawn('unshare', ['--mount', '--propagation', 'private', process.execPath, program, dir], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    detached: true,
  });
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-2000);
  });
  await answer(child, () => words);
  const order = async (name: 'start' | 'kill') => {
    child.send(name);
    await answer(child, () => words);
  };
  const daemon: OwnLibvirtd = {
    uri: `qemu+unix:///system?socket=${join(dir, 'libvirt-sock')}`,
    start: () => order('start'),
    kill: () => order('kill'),
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
  try {
    await daemon.start();
    return daemon;
  } catch (thrown) {
    await daemon.close();
    throw thrown;
  }
}

async function answer(child: ChildProcess, words: () => string): Promise<void> {
  const heard = new AbortController();
  const { signal } = heard;
  const ended = once(child, 'exit', { signal }).then((): Reply[] => [{ error: 'it ended' }]);
  ended.catch(() => undefined);
  const [{ error }] = (await Promise.race([once(child, 'message', { signal }), ended])) as [Reply];
  heard.abort();
  if (error !== undefined) throw new Error(`libvirtd of the soak: ${error}. ${words()}`);
}
