/** Authentication at a registry: by its bearer tokens, or by name and password. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

/** Base64 of `name:password`, as in such files. Never print it. */
export type Credentials = string;

export interface KnownCredentials {
  readonly basic: Credentials | null;
  /** True where a helper program keeps them, which is never called. */
  readonly inHelper: boolean;
}

const authFileSchema = z.object({
  auths: z.record(z.string(), z.object({ auth: z.string().optional() })).optional(),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
});

/** The credentials for a registry in the files of docker and podman; empty where no file can be read. */
export async function findCredentials(host: string, env: NodeJS.ProcessEnv): Promise<KnownCredentials> {
  const home = env.HOME || homedir();
  const paths = [
    ...(env.REGISTRY_AUTH_FILE ? [env.REGISTRY_AUTH_FILE] : []),
    ...(env.XDG_RUNTIME_DIR ? [join(env.XDG_RUNTIME_DIR, 'containers/auth.json')] : []),
    join(env.DOCKER_CONFIG || join(home, '.docker'), 'config.json'),
  ];
  let inHelper = false;
  for (const path of paths) {
    const file = await readAuthFile(path);
    const keys = [host, `https://${host}`, `https://${host}/v1/`, `https://index.${host}/v1/`];
    const basic = keys.map((key) => file.auths?.[key]?.auth).find((auth) => auth !== undefined && auth !== '');
    if (basic !== undefined) return { basic, inHelper: false };
    inHelper ||= file.credsStore !== undefined || file.credHelpers?.[host] !== undefined;
  }
  return { basic: null, inHelper };
}

async function readAuthFile(path: string): Promise<z.output<typeof authFileSchema>> {
  try {
    return authFileSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return {};
  }
}

/** The challenge in a registry's `WWW-Authenticate`. Source: RFC 7235; the distribution's token specification. */
export type Challenge =
  | { readonly scheme: 'basic' }
  | {
      readonly scheme: 'bearer';
      readonly realm: string;
      readonly service: string | null;
      readonly scope: string | null;
    };

/** The challenge of a header; null for an unknown scheme. Shape: the first known one of several. */
export function parseChallenge(header: string): Challenge | null {
  const [, scheme = '', rest = ''] = /(?:^|,\s*)(bearer|basic)\s+(.*)$/is.exec(header.slice(0, 4096)) ?? [];
  if (scheme.toLowerCase() === 'basic') return { scheme: 'basic' };
  const fields = new Map<string, string>();
  for (const [, key = '', quoted, plain] of rest.matchAll(/([a-z_]+)=(?:"([^"]*)"|([^\s,"]+))/gi)) {
    fields.set(key.toLowerCase(), quoted ?? plain ?? '');
  }
  const realm = fields.get('realm');
  if (realm === undefined) return null;
  return { scheme: 'bearer', realm, service: fields.get('service') ?? null, scope: fields.get('scope') ?? null };
}
