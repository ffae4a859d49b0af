import { app } from 'electron';

/** Ending is never held up longer; libvirt ends what is ours by itself when our connection closes. */
const closeGraceMs = 3000;

/** Ends the program when its window is closed, after the core has ended what is ours. */
export function setupQuit(closeCore: () => Promise<void>, log: (line: string) => void, graceMs = closeGraceMs): void {
  let closing = false;
  app.on('window-all-closed', () => app.quit());
  app.on('will-quit', (event) => {
    event.preventDefault();
    if (closing) return;
    closing = true;
    const late = new Promise<void>((resolve) => setTimeout(resolve, graceMs));
    void Promise.race([closeCore(), late])
      .catch((error: unknown) => log(`the core did not close well: ${error instanceof Error ? error.message : error}`))
      // Not `quit`, which would ask again.
      .finally(() => app.exit(0));
  });
}
