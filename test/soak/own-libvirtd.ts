import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SoakHome } from './home.ts';

/** A libvirtd that is nobody else's, so that it can be killed. */
export interface OwnLibvirtd {
  readonly uri: string;
  readonly start: () => Promise<void>;
  /** `kill -9`. */
  readonly kill: () => Promise<void>;
  /** Ends it and all its guests. */
  readonly close: () => Promise<void>;
}

interface Reply {
  readonly done?: string;
  readonly error?: string;
}

/** Why there can be none here, or null. */
export const whyNoOwnLibvirtd = (): string | null =>
  process.getuid?.() === 0 ? null : 'a libvirtd of its own needs root, for a mount namespace';

/**
 * Starts a libvirtd in a mount namespace of its own, with its socket below `home`.
 *
 * Errors: an Error with what the daemon, or `unshare`, says.
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
  const ended = once(child, 'exit').then((): Reply[] => [{ error: 'it ended' }]);
  const [{ error }] = (await Promise.race([once(child, 'message'), ended])) as [Reply];
  if (error !== undefined) throw new Error(`libvirtd of the soak: ${error}. ${words()}`);
}
