import { existsSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool } from './run-tool.ts';

/** The address from which Electron's own installer fetches, unless a mirror is set. */
const releasesUrl = 'https://github.com/electron/electron/releases/';
/** A working network answers sooner; a missing one must not delay a start. */
const reachTimeoutMs = 2000;
const fetchTimeoutMs = 10 * 60_000;
/** A failure is remembered for a day, so that working without a network costs nothing. */
const retryAfterMs = 86_400_000;

export interface FetchElectronOptions {
  /** The folder with `node_modules`. */
  readonly root: string;
  /** The file that records a failed download. */
  readonly failedPath: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Called once when a download begins. */
  readonly onFetch: () => void;
}

/** The path of Electron's binary, fetched with its own installer when it is missing; null when it cannot be fetched. */
export async function fetchElectron(options: FetchElectronOptions): Promise<string | null> {
  const { root, failedPath, env, signal, onFetch } = options;
  const packageDir = join(root, 'node_modules/electron');
  // Electron's own package knows the same variable.
  const binary = join(env.ELECTRON_OVERRIDE_DIST_PATH ?? join(packageDir, 'dist'), 'electron');
  if (existsSync(binary)) return binary;
  const installer = join(packageDir, 'install.js');
  if (!existsSync(installer) || env.ELECTRON_SKIP_BINARY_DOWNLOAD || failedLately(failedPath)) return null;
  try {
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(reachTimeoutMs)]);
    await fetch(env.ELECTRON_MIRROR ?? releasesUrl, { method: 'HEAD', signal: timeout });
    onFetch();
    await runTool(process.execPath, [installer], { signal, timeoutMs: fetchTimeoutMs });
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    // No network, or an installer that needs a newer Node: a browser's window serves instead.
    await writeFile(failedPath, String(thrown)).catch(() => undefined); // The next start tries again.
  }
  return existsSync(binary) ? binary : null;
}

function failedLately(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.mtimeMs < retryAfterMs;
}
