import { z } from 'zod';
import { tokenServiceKey, tokenServiceSchema } from '#shared/model/token-service.ts';
import type { Layout } from './layout.ts';
import { createSettings } from './settings.ts';

/** The token service that a person has allowed for a registry; null without one. Errors: STORE_UNUSABLE. */
export function allowedTokenService(layout: Layout): (registry: string) => Promise<string | null> {
  const settings = createSettings(layout);
  return async (registry) => {
    const allowed = z.safeParse(tokenServiceSchema, (await settings.get())[tokenServiceKey(registry)]);
    return allowed.success ? allowed.data : null;
  };
}
