import { setTimeout as sleep } from 'node:timers/promises';
import { app } from 'electron';
import { guardExit } from '#core/exec/exit-guard.ts';

/** The longest delay of the exit; libvirt ends our domains by itself when our connection closes. */
const closeGraceMs = 3000;

/** The longest wait for file requests that are under way at the end, and the interval between looks at them. */
const fileGraceMs = 1000;
const fileLookMs = 5;

/** The longest time between the wish to quit and the end, with what Electron itself has to end. */
const quitLimitSeconds = 15;

/**
 * Kills this program if it does not end by itself.
 *
 * Electron 25 was seen to loop in its own teardown (`node::FreeEnvironment`) after `app.exit`, for ever, in 4 of 21 ends
 * with file requests under way and a cold cache. `filesAreQuiet` avoids what is known of it.
 */
export const guardQuit = (): void => guardExit(process.pid, quitLimitSeconds);

/** Ends the program when its window is closed, after each of `endings` has finished or timed out. */
export function setupQuit(
  endings: readonly (() => Promise<void>)[],
  log: (line: string) => void,
  graceMs = closeGraceMs,
): void {
  let closing = false;
  app.on('window-all-closed', () => app.quit());
  app.on('will-quit', (event) => {
    event.preventDefault();
    if (closing) return;
    closing = true;
    const late = new Promise<void>((resolve) => setTimeout(resolve, graceMs));
    const endOne = (end: () => Promise<void>) =>
      end().catch((error: unknown) => log(`ended badly: ${error instanceof Error ? error.message : error}`));
    // Not `quit`, which would ask again.
    void Promise.race([Promise.all(endings.map(endOne)), late])
      .then(filesAreQuiet)
      .finally(() => app.exit(0));
  });
}

/** Waits until no file request is under way, of a call that the closed page made for example. */
async function filesAreQuiet(): Promise<void> {
  const isBusy = () => process.getActiveResourcesInfo().some((name) => /^(FSReq|FileHandle|CloseReq)/.test(name));
  for (const end = performance.now() + fileGraceMs; isBusy() && performance.now() < end; ) await sleep(fileLookMs);
}

/**
 * Quits the program when a signal asks it to end.
 *
 * Electron does so too, but its handlers go as soon as a library removes a listener of its own for the same signal: the
 * signal then ends the program at once. These listeners stay.
 */
export function setupSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => app.quit());
}
