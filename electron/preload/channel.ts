/** The address of the studio's page. The preload script exposes its bridge to no other page. */
export const startUrl = 'app://firstlight/';
/** Hands a page's port for the contract to the main process. */
export const connectChannel = 'contract:connect';
/** Asks for a directory with the system's dialog; answers with its path, or null. */
export const pickDirectoryChannel = 'dialog:pick-directory';
/** The same for a file. */
export const pickFileChannel = 'dialog:pick-file';
/** Tells the main process the present key of each of the page's commands, for the menu. */
export const menuKeysChannel = 'menu:keys';
/** Tells the page the id of the command that was chosen in the menu. */
export const menuCommandChannel = 'menu:command';
