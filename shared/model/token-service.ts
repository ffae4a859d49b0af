import { z } from 'zod';

const prefix = 'tokenService ';

/**
 * The key of the settings under which a registry's token service is allowed. A key for each registry: of two programs that
 * allow one at the same time, none loses the other's.
 */
export const tokenServiceKey = (registry: string): string => `${prefix}${registry}`;

/** The registry of such a key; null for another key. */
export const registryOfKey = (key: string): string | null => (key.startsWith(prefix) ? key.slice(prefix.length) : null);

const origin = /^(https:\/\/([a-z0-9.-]+|\[[0-9a-f:]+\])|http:\/\/(localhost|127(\.\d{1,3}){3}|\[::1\]))(:\d{1,5})?$/;

/** The origin of a token service, without a path. Shape: by HTTPS, or on this machine. */
export const tokenServiceSchema = z.string().regex(origin, 'an address such as https://gitlab.example.com');
