import { dialog, ipcMain } from 'electron';
import { pickDirectoryChannel } from '../preload/channel.ts';
import { isTrustedFrame } from './origin.ts';

/** Lets the page ask for a folder. */
export function setupDialogs(): void {
  ipcMain.handle(pickDirectoryChannel, (event) => (isTrustedFrame(event.senderFrame) ? pickDirectory() : null));
}

/** The folder that a person chose, or null. */
export async function pickDirectory(): Promise<string | null> {
  const { canceled, filePaths } = await dialog.showOpenDialog({
    title: 'Open a function project',
    properties: ['openDirectory', 'createDirectory'],
  });
  return canceled ? null : (filePaths[0] ?? null);
}
