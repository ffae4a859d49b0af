import { userInfo } from 'node:os';
import { isAbsolute } from 'node:path';
import { runTool } from './run-tool.ts';

const timeoutMs = 10_000;
/** A program that start files leave running may hold the shell's output open beyond its end. Units: ms. */
const heldMs = 2_000;
/** What a person's start files print lies around it. */
const marker = 'firstlight-path-7f3a';
/** Nothing of it comes from outside. The shell's own `printf`; also that of fish and zsh. */
const script = `printf '%s' '${marker}' "$PATH" '${marker}'`;

/**
 * The PATH that a person's login shell has; null where it gives none in time. A program that a desktop starts has a
 * shorter one, without the folders in which credential plugins lie.
 */
export async function readLoginPath(env: NodeJS.ProcessEnv): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const held = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, timeoutMs + heldMs, null);
  });
  try {
    const shell = env.SHELL || userInfo().shell || '';
    if (!isAbsolute(shell)) return null;
    const result = await Promise.race([runTool(shell, ['-l', '-i', '-c', script], { timeoutMs }), held]);
    const [, path = ''] = (result?.stdout ?? '').split(marker);
    return path.includes('/') ? path : null;
  } catch {
    // No user of that id, a shell without these options, or start files that hang: the PATH stays as it is.
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** Takes the PATH of the login shell into an environment that a desktop gave us; one of a terminal has it already. */
export async function takeLoginPath(env: NodeJS.ProcessEnv): Promise<void> {
  if (env.TERM !== undefined) return;
  const path = await readLoginPath(env);
  if (path !== null) env.PATH = [...new Set(`${path}:${env.PATH ?? ''}`.split(':'))].filter(Boolean).join(':');
}
