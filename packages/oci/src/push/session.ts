/** One repository of a registry for writes: the credentials, the retries, and the meaning of a refusal. */
import { z } from 'zod';
import { askPatiently } from '../ask-patiently.ts';
import { OciError } from '../oci-error.ts';
import { type AllowedTokenService, type Credentials, parseChallenge } from '../registry-auth.ts';
import { isLoopback, unreachable } from '../registry-http.ts';
import { proveIdentity } from '../request-token.ts';
import { type Answer, type Sent, send } from './http.ts';

export interface RegistryAccess {
  readonly credentials: (host: string) => Promise<Credentials | null>;
  readonly tokenService?: AllowedTokenService | undefined;
  /** Certificates in PEM that are trusted in addition to the system's. */
  readonly ca?: string | undefined;
  /** True to use plain HTTP with a registry that is not on loopback. */
  readonly plainHttp?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Sends requests to one repository. */
export interface RepositorySession {
  readonly base: URL;
  readonly name: string;
  /** Errors: `registry-unreachable`, `registry-denied`, `registry-busy`, with the registry's message. Other answers go to the caller. */
  readonly ask: (sent: Omit<Sent, 'url' | 'ca' | 'signal'> & { readonly path: string | URL }) => Promise<Answer>;
}

const errorsSchema = z.object({ errors: z.array(z.object({ code: z.string(), message: z.string().default('') })) });

/**
 * A session with `name` on the registry `host`, with the right to push, and where it can be had to pull from `mountFrom`.
 *
 * Errors: `registry-unreachable`.
 */
export async function openRepository(
  host: string,
  name: string,
  access: RegistryAccess,
  mountFrom: readonly string[] = [],
): Promise<RepositorySession> {
  const { ca, signal } = access;
  const base = await findBase(host, access);
  let authorization: string | null = null;

  async function askOnce(sent: Sent): Promise<Answer> {
    // Other hosts do not get the registry's credentials.
    const isOwn = sent.url.host === base.host && sent.url.protocol === base.protocol;
    const headers = { ...sent.headers, ...(isOwn && authorization !== null && { authorization }) };
    const answer = await send({ ...sent, headers, ca, signal });
    if (answer.status !== 401 || !isOwn) return answer;
    authorization = await prove(answer);
    if (authorization === null) throw denied(host, name, answer);
    const again = await send({ ...sent, headers: { ...sent.headers, authorization }, ca, signal });
    if (again.status === 401) throw denied(host, name, again);
    return again;
  }

  async function prove(answer: Answer): Promise<string | null> {
    const challenge = parseChallenge(answer.headers['www-authenticate'] ?? '');
    const credentials = await access.credentials(host);
    const own = `repository:${name}:pull,push`;
    const others = mountFrom.map((other) => `repository:${other}:pull`);
    const asker = { host, name, base, tokenService: access.tokenService, ca, signal, act: 'take' } as const;
    const given = await proveIdentity(challenge, credentials, [own, ...others], asker);
    // A service that refuses the others' part may still give a token for this repository.
    return given === null && others.length > 0 ? await proveIdentity(challenge, credentials, [own], asker) : given;
  }

  return {
    base,
    name,
    ask: async ({ path, ...sent }) => {
      const url = path instanceof URL ? path : new URL(path, base);
      if (url.protocol !== 'https:' && base.protocol === 'https:') {
        throw unreachable(base, `it leads to ${url.protocol}//${url.host}, which is not safe to write to`);
      }
      const retryAfter = ({ headers }: Answer) => headers['retry-after'];
      const answer = await askPatiently(base, () => askOnce({ ...sent, url }), { retryAfter, signal });
      if (answer.status === 403) throw denied(host, name, answer);
      return answer;
    },
  };
}

/** Docker Hub's API host differs from the host in its images' names. */
const apiHostOf = (host: string) => (host === 'docker.io' ? `registry-1.${host}` : host);

/** The address of the registry: HTTPS, or plain HTTP where the options allow it, or on loopback without HTTPS. */
async function findBase(host: string, { ca, signal, plainHttp = false }: RegistryAccess): Promise<URL> {
  const secure = new URL(`https://${apiHostOf(host)}`);
  const plain = new URL(`http://${apiHostOf(host)}`);
  if (plainHttp) return plain;
  if (!isLoopback(secure.hostname)) return secure;
  try {
    await send({ method: 'GET', url: new URL('/v2/', secure), ca, signal });
    return secure;
  } catch (thrown) {
    const cause = thrown instanceof OciError ? thrown.cause : thrown;
    const words = cause instanceof Error ? cause.message : '';
    if (!/wrong version number|packet length too long|EPROTO/i.test(words)) throw thrown;
    return plain;
  }
}

/** A registry's own message, as one sentence; empty when it sends none. */
export function wordsOf({ text }: Answer): string {
  try {
    const { errors } = errorsSchema.parse(JSON.parse(text));
    return errors.map(({ code, message }) => `${code}${message === '' ? '' : `: ${message}`}`).join('; ');
  } catch {
    return text.trim().slice(0, 200);
  }
}

function denied(host: string, name: string, answer: Answer): OciError {
  const words = wordsOf(answer);
  return new OciError(
    'registry-denied',
    `The registry ${host} does not let you push ${name}${words ? ` (${words})` : ''}.`,
    {
      hint: `Log in with rights to push: docker login ${host}`,
      subject: host,
    },
  );
}
