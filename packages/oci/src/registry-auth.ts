/** Authentication at a registry: by its bearer tokens, or by name and password. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { openFile } from '@firstlight/files';
import { z } from 'zod';
import { OciError } from './oci-error.ts';
import { isLoopback, unreachable } from './registry-http.ts';

/**
 * Base64 of `name:password`, as in such files. An identity token, which is exchanged for tokens by OAuth2, is the
 * password of the name `<token>`, as credential helpers have it. Never print it.
 */
export type Credentials = string;

const identityName = '<token>';

/** Credentials of a name and a password or identity token. */
export const makeCredentials = (name: string, secret: string): Credentials =>
  Buffer.from(`${name}:${secret}`).toString('base64');

/** The identity token of credentials; null for a name and a password. */
export function readIdentity(credentials: Credentials): string | null {
  const text = Buffer.from(credentials, 'base64').toString('utf8');
  return text.startsWith(`${identityName}:`) ? text.slice(identityName.length + 1) : null;
}

export interface KnownCredentials {
  readonly basic: Credentials | null;
  /** True where a helper program keeps them, which is never called. */
  readonly inHelper: boolean;
}

const authFileSchema = z.object({
  auths: z
    .record(z.string(), z.object({ auth: z.string().optional(), identitytoken: z.string().optional() }))
    .optional(),
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
    const entries = keys.map((key) => file.auths?.[key]);
    const identity = entries.find((entry) => entry?.identitytoken)?.identitytoken;
    if (identity !== undefined) return { basic: makeCredentials(identityName, identity), inHelper: false };
    const basic = entries.find((entry) => entry?.auth)?.auth;
    if (basic !== undefined) return { basic, inHelper: false };
    inHelper ||= file.credsStore !== undefined || file.credHelpers?.[host] !== undefined;
  }
  return { basic: null, inHelper };
}

const maxAuthFileBytes = 4 << 20;

async function readAuthFile(path: string): Promise<z.output<typeof authFileSchema>> {
  try {
    const file = await openFile(path);
    try {
      const content = await file.read(0, Math.min(file.bytes, maxAuthFileBytes));
      return authFileSchema.parse(JSON.parse(Buffer.from(content).toString('utf8')));
    } finally {
      await file.close();
    }
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

/**
 * The origin (`https://gitlab.example.com`) that a person has allowed as the token service of a registry, or null. Its own
 * word is not enough: a registry could have the name and password for it sent to anybody.
 */
export type AllowedTokenService = (host: string) => Promise<string | null>;

/** The realm of a bearer challenge, and the header that may go there with the request for a token. */
export interface TokenService {
  readonly url: URL;
  readonly authorization: string | null;
  /** True where there are credentials for the registry, and the realm is another's. */
  readonly isForeign: boolean;
}

/**
 * Where to get a token. The credentials of a registry go to a realm of its own only, or to the one of the origin
 * `allowed`, and never over plain HTTP where the registry itself is asked over HTTPS.
 *
 * Errors: `registry-unreachable` for a realm that is no address, or one that is not safe to ask.
 */
export function findTokenService(
  realm: string,
  base: URL,
  host: string,
  own: string | null,
  allowed: string | null = null,
): TokenService {
  if (!URL.canParse(realm)) throw unreachable(base, 'it names no address to get a token from');
  const url = new URL(realm);
  const isSafe =
    url.protocol === 'https:' ||
    (url.protocol === 'http:' &&
      ((isLoopback(base.hostname) && isLoopback(url.hostname)) ||
        (base.protocol === 'http:' && url.host === base.host)));
  if (!isSafe) throw unreachable(base, `it wants a token from ${url.protocol}//${url.host}, which is not safe to ask`);
  const isOwn = url.origin === allowed || isRealmOf(host, url.hostname);
  return { url, authorization: isOwn ? own : null, isForeign: own !== null && !isOwn };
}

/**
 * True for the registry itself, for a host below it (`auth.docker.io`), and for a domain that it lies in (`gitlab.com`
 * of `registry.gitlab.com`): whoever has that domain also decides where the registry's name leads. False for a neighbour,
 * which may be anybody's (`b.co.uk` of `a.co.uk`), and for a top-level domain.
 */
function isRealmOf(host: string, realm: string): boolean {
  const { hostname } = new URL(`https://${host}`);
  if (realm === hostname || realm.endsWith(`.${hostname}`)) return true;
  return realm.includes('.') && hostname.endsWith(`.${realm}`);
}

/** The refusal of a token service that did not get the registry's credentials. `act`: "give" or "take". */
export function foreignRealm(host: string, name: string, realm: URL, act: 'give' | 'take'): OciError {
  const { hostname, origin } = realm;
  return new OciError(
    'registry-denied',
    `The registry ${host} does not ${act} ${name} without a login at ${hostname}.`,
    {
      hint: `The name and password for ${host} are not sent to another host. If it is the one that gives out its tokens, and not a trap, allow it: firstlight registry allow ${host} ${origin}`,
      subject: host,
    },
  );
}

const tokenSchema = z.object({ token: z.string().optional(), access_token: z.string().optional() });

/** The `authorization` header of a token service's answer; null for an answer without a usable token. */
export function parseToken(text: string): string | null {
  let read: z.output<typeof tokenSchema>;
  try {
    read = tokenSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
  const given = read.token ?? read.access_token;
  return given === undefined || /[^\x21-\x7e]/.test(given) ? null : `Bearer ${given}`;
}
