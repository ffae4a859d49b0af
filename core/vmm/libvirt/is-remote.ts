/** Whether a libvirt is on another host, whose files and sockets are not ours. */
export const isRemote = (uri: string): boolean => /^[a-z]+\+(ssh|tls):/.test(uri);
