import { dialog, ipcMain } from 'electron';
import { pickDirectoryChannel, pickFileChannel } from '../preload/channel.ts';
import { isTrustedFrame } from './origin.ts';

/** Lets the page ask for a folder or a file. */
export function setupDialogs(): void {
  ipcMain.handle(pickDirectoryChannel, (event) =>
    isTrustedFrame(event.senderFrame) ? pick('Choose a folder', ['openDirectory', 'createDirectory']) : null,
  );
  ipcMain.handle(pickFileChannel, (event) =>
    isTrustedFrame(event.senderFrame) ? pick('Choose a file', ['openFile', 'showHiddenFiles']) : null,
  );
}

type Property = 'openDirectory' | 'createDirectory' | 'openFile' | 'showHiddenFiles';

/** The path that a person chose, or null. */
async function pick(title: string, properties: Property[]): Promise<string | null> {
  const { canceled, filePaths } = await dialog.showOpenDialog({ title, properties });
  return canceled ? null : (filePaths[0] ?? null);
}
