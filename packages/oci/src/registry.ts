/** Images in a registry. Source: the distribution specification 1.1. */

import { askPatiently } from './ask-patiently.ts';
import type { BlobCache } from './blob-cache.ts';
import { findImage } from './choose-manifest.ts';
import type { ContentStore, ImageParts } from './image-parts.ts';
import { maxManifestBytes } from './manifest.ts';
import { OciError } from './oci-error.ts';
import { digestPattern, formatReference, type OciReference } from './reference.ts';
import { type AllowedTokenService, findCredentials, parseChallenge } from './registry-auth.ts';
import { drop, get, type HttpAnswer, isLoopback, unreachable } from './registry-http.ts';
import { proveIdentity } from './request-token.ts';
import { digestOf, readAll, verifyBytes } from './verify.ts';

export interface RegistryOptions {
  readonly cache: BlobCache;
  readonly env: NodeJS.ProcessEnv;
  readonly tokenService?: AllowedTokenService | undefined;
  readonly signal?: AbortSignal | undefined;
}

type RegistryReference = Extract<OciReference, { kind: 'registry' }>;

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/**
 * The image that a registry has under a name. Documents and layers with a known digest come from the cache.
 *
 * Errors: `registry-unreachable`, `registry-denied`, `registry-busy`; `not-found`; `digest-mismatch`; as `findImage`.
 */
export async function readRegistry(reference: RegistryReference, options: RegistryOptions): Promise<ImageParts> {
  const { cache } = options;
  const what = formatReference(reference);
  const client = createClient(reference, options);
  const read = async (kind: 'manifests' | 'blobs', named: string, maxBytes: number) => {
    const answer = await client(kind, named);
    const bytes = await readAll(answer.body, maxBytes, what);
    const said = answer.headers.get('docker-content-digest') ?? '';
    const digest = digestPattern.test(named) ? named : said || digestOf(bytes);
    verifyBytes(bytes, digest, `A description of ${what}`);
    await cache.keepDocument(digest, bytes);
    return { digest, bytes };
  };
  const store: ContentStore = {
    document: async (digest, maxBytes, kind) =>
      (await cache.document(digest)) ??
      (await read(kind === 'manifest' ? 'manifests' : 'blobs', digest, maxBytes)).bytes,
    blob: async (digest) => (await client('blobs', digest)).body,
  };
  const named = reference.reference;
  const known = digestPattern.test(named) ? await cache.document(named) : null;
  const start = known === null ? await read('manifests', named, maxManifestBytes) : { digest: named, bytes: known };
  return { ...(await findImage(store, start, what)), close: async () => undefined };
}

/** Docker Hub's API host differs from the host in its images' names. */
const apiHostOf = (host: string) => (host === 'docker.io' ? `registry-1.${host}` : host);

/** A client for one repository of a registry: it fetches documents and blobs, and authenticates when challenged. */
function createClient({ host, name }: RegistryReference, { env, tokenService, signal }: RegistryOptions) {
  const base = new URL(`https://${apiHostOf(host)}`);
  if (isLoopback(base.hostname)) base.protocol = 'http:';
  let authorization: string | null = null;

  return async (kind: 'manifests' | 'blobs', named: string): Promise<HttpAnswer> => {
    const url = new URL(`/v2/${name}/${kind}/${named}`, base);
    const askOnce = () =>
      get(
        url,
        {
          ...(kind === 'manifests' && { accept: manifestTypes }),
          ...(authorization !== null && { authorization }),
        },
        signal,
      );
    const retryAfter = ({ headers }: HttpAnswer) => headers.get('retry-after');
    const ask = () => askPatiently(base, askOnce, { retryAfter, drop, signal });
    let answer = await ask();
    if (answer.status === 401) {
      await drop(answer);
      const challenge = parseChallenge(answer.headers.get('www-authenticate') ?? '');
      const { basic, inHelper } = await findCredentials(host, env);
      const scope = (challenge?.scheme === 'bearer' && challenge.scope) || `repository:${name}:pull`;
      const asker = { host, name, base, tokenService, signal, act: 'give' } as const;
      authorization = await proveIdentity(challenge, basic, [scope], asker);
      if (authorization !== null) answer = await ask();
      if (answer.status === 401) throw denied(host, name, basic !== null, inHelper);
    }
    if (answer.status === 200) return answer;
    await drop(answer);
    throw toStatusError(answer.status, { host, name, named, base });
  };
}

function denied(host: string, name: string, hadCredentials: boolean, inHelper: boolean): OciError {
  const hint = inHelper
    ? `The password is kept by a helper program, which is not asked. Run \`docker login ${host}\` without one, or save the image to a file and import that.`
    : `Run \`docker login ${host}\` (its config.json is read), or save the image to a file and import that.`;
  const why = hadCredentials ? 'it does not accept the name and password that are known for it' : 'it wants a login';
  return new OciError('registry-denied', `The registry ${host} does not give ${name}: ${why}.`, {
    hint,
    subject: host,
  });
}

function toStatusError(
  status: number,
  { host, name, named, base }: { host: string; name: string; named: string; base: URL },
): OciError {
  if (status === 404) {
    return new OciError('not-found', `The registry ${host} has no ${name}, or not ${named} of it.`, {
      hint: 'Check the name and the tag for a typing error.',
      subject: `${host}/${name}`,
    });
  }
  if (status === 403) return denied(host, name, false, false);
  return unreachable(base, `it answers with status ${status}`);
}
