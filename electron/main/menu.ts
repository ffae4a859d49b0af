import { BrowserWindow, Menu, type MenuItemConstructorOptions } from 'electron';

/** A key of the page: the menu shows it and presses it there, so that its action is defined once, in the page. */
interface PageKey {
  readonly label: string;
  readonly accelerator: string;
  readonly keyCode: string;
  readonly modifiers: ('control' | 'shift' | 'alt')[];
}

const pageKeys = {
  run: { label: 'Run', accelerator: 'Ctrl+Enter', keyCode: 'Enter', modifiers: ['control'] },
  newFunction: { label: 'New Function…', accelerator: 'Ctrl+Alt+N', keyCode: 'N', modifiers: ['control', 'alt'] },
  openFolder: { label: 'Open Folder…', accelerator: 'Ctrl+O', keyCode: 'O', modifiers: ['control'] },
  importThing: { label: 'Import…', accelerator: 'Ctrl+Alt+I', keyCode: 'I', modifiers: ['control', 'alt'] },
  options: { label: 'Options', accelerator: 'Ctrl+,', keyCode: ',', modifiers: ['control'] },
  inspect: { label: 'Look into the Image', accelerator: 'Ctrl+I', keyCode: 'I', modifiers: ['control'] },
  save: { label: 'Save and Rebuild', accelerator: 'Ctrl+S', keyCode: 'S', modifiers: ['control'] },
  palette: { label: 'Command Palette…', accelerator: 'Ctrl+K', keyCode: 'K', modifiers: ['control'] },
  console: { label: 'Console', accelerator: 'Ctrl+`', keyCode: '`', modifiers: ['control'] },
  nextPanel: { label: 'Next Panel', accelerator: 'F6', keyCode: 'F6', modifiers: [] },
} satisfies Record<string, PageKey>;

/** The application's menu. */
export function setupMenu(): void {
  const template: MenuItemConstructorOptions[] = [
    {
      label: 'File',
      submenu: [
        pressKey(pageKeys.newFunction),
        pressKey(pageKeys.openFolder),
        pressKey(pageKeys.importThing),
        pressKey(pageKeys.save),
        { type: 'separator' },
        { role: 'quit' },
      ],
    },
    { role: 'editMenu' },
    { label: 'Run', submenu: [pressKey(pageKeys.run)] },
    {
      label: 'View',
      submenu: [
        pressKey(pageKeys.palette),
        pressKey(pageKeys.console),
        pressKey(pageKeys.nextPanel),
        pressKey(pageKeys.options),
        pressKey(pageKeys.inspect),
        { type: 'separator' },
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { role: 'togglefullscreen' },
        { type: 'separator' },
        { role: 'reload' },
        { role: 'toggleDevTools' },
      ],
    },
    { role: 'windowMenu' },
  ];
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}

/** A menu item that does not take its key from the page; chosen by mouse, it presses it there. */
function pressKey({ label, accelerator, keyCode, modifiers }: PageKey): MenuItemConstructorOptions {
  return {
    label,
    accelerator,
    registerAccelerator: false,
    click: () => {
      const contents = BrowserWindow.getFocusedWindow()?.webContents;
      contents?.sendInputEvent({ type: 'keyDown', keyCode, modifiers });
      contents?.sendInputEvent({ type: 'keyUp', keyCode, modifiers });
    },
  };
}
