/** Tokens of a registry's token service. Source: the distribution's token specifications, plain and OAuth2. */
import { askPatiently } from './ask-patiently.ts';
import { send } from './push/http.ts';
import {
  type AllowedTokenService,
  type Challenge,
  type Credentials,
  findTokenService,
  foreignRealm,
  parseToken,
  readIdentity,
} from './registry-auth.ts';
import { unreachable } from './registry-http.ts';

export interface TokenAsker {
  readonly host: string;
  readonly name: string;
  readonly base: URL;
  readonly tokenService?: AllowedTokenService | undefined;
  readonly ca?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The verb of a refusal: what the registry does not do with an image. */
  readonly act: 'give' | 'take';
}

/**
 * The `authorization` header that answers a challenge; null when the credentials are not enough.
 *
 * Errors: `registry-busy`, `registry-unreachable`; `registry-denied` for a token service that may not have the
 * credentials.
 */
export async function proveIdentity(
  challenge: Challenge | null,
  credentials: Credentials | null,
  scopes: readonly string[],
  asker: TokenAsker,
): Promise<string | null> {
  if (challenge === null) return null;
  const identity = credentials === null ? null : readIdentity(credentials);
  const basic = credentials === null || identity !== null ? null : `Basic ${credentials}`;
  if (challenge.scheme === 'basic') return basic;
  const { host, name, base, tokenService, ca, signal, act } = asker;
  const allowed = (await tokenService?.(host)) ?? null;
  const found = findTokenService(challenge.realm, base, host, identity ?? basic, allowed);
  const { url, isForeign } = found;
  const refreshToken = found.authorization === null ? null : identity;
  const headers = found.authorization === null || identity !== null ? {} : { authorization: found.authorization };
  const fields = new URLSearchParams(challenge.service === null ? {} : { service: challenge.service });
  const ask = async () => {
    if (refreshToken === null) {
      const asked = new URL(url);
      asked.searchParams.delete('scope');
      for (const [key, value] of fields) asked.searchParams.set(key, value);
      for (const scope of scopes) asked.searchParams.append('scope', scope);
      return await send({ method: 'GET', url: asked, ca, signal, headers });
    }
    const form = new URLSearchParams(fields);
    form.set('grant_type', 'refresh_token');
    form.set('client_id', 'firstlight');
    form.set('scope', scopes.join(' '));
    form.set('refresh_token', refreshToken);
    const body = { kind: 'bytes', bytes: Buffer.from(form.toString()) } as const;
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    return await send({ method: 'POST', url, ca, signal, headers: type, body });
  };
  const given = await askPatiently(url, ask, { retryAfter: (answer) => answer.headers['retry-after'], signal });
  if (given.status === 200) return parseToken(given.text);
  if (isForeign) throw foreignRealm(host, name, url, act);
  if (given.status >= 500) throw unreachable(url, `it answers with status ${given.status}`);
  return null;
}
