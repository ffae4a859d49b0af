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

export interface AllowedTokenService {
  readonly registry: string;
  readonly tokenService: string;
}

/** Those that settings allow, in the order of the registries' names. */
export function allowedTokenServices(values: Readonly<Record<string, unknown>>): AllowedTokenService[] {
  return Object.entries(values)
    .flatMap(([key, value]) => {
      const registry = registryOfKey(key);
      const tokenService = tokenServiceSchema.safeParse(value);
      return registry !== null && tokenService.success ? [{ registry, tokenService: tokenService.data }] : [];
    })
    .sort((a, b) => a.registry.localeCompare(b.registry));
}

/** The host of a registry as its images' names begin with it; null for any other text. */
export function readRegistryHost(text: string): string | null {
  const host = text.trim().toLowerCase();
  return /^(?:[a-z0-9][a-z0-9.-]*|\[[0-9a-f:]+\])(?::\d{1,5})?$/.test(host) ? host.replace(/:443$/, '') : null;
}

/** The origin of a token service, as it is compared with what a registry names; null for any other text. */
export function readTokenService(text: string): string | null {
  const address = text.trim().toLowerCase().replace(/\/$/, '');
  const usual = address.startsWith('https:') ? /:443$/ : /:80$/;
  const parsed = tokenServiceSchema.safeParse(address.replace(usual, ''));
  return parsed.success ? parsed.data : null;
}
