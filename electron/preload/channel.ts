/** The one channel of Electron's own messaging that is used: it hands a page's port to the main process. */
export const connectChannel = 'contract:connect';
