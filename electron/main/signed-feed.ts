import { createPublicKey, verify } from 'node:crypto';
import { CancellationToken, type UpdateInfo } from 'electron-updater';
import {
  Provider,
  type ProviderRuntimeOptions,
  parseUpdateInfo,
  resolveFiles,
} from 'electron-updater/out/providers/Provider';
import { z } from 'zod';

/** The source of updates, and the key that signs them. */
export const updateFeedSchema = z.strictObject({
  /** https, or this machine's own loopback. */
  url: z.url().refine((text) => isSafeFeed(new URL(text)), 'a feed is read over https'),
  /** An Ed25519 public key: DER in base64, as `openssl pkey -pubout -outform DER | base64` prints it. */
  publicKey: z.string().refine(isPublicKey, 'not an Ed25519 public key'),
});
export type UpdateFeed = z.output<typeof updateFeedSchema>;

/** The list of the newest packages, as electron-builder writes it. Its signature is a file next to it, in base64. */
export const feedFile = 'latest-linux.yml';
export const signatureFile = `${feedFile}.sig`;

/** Reads the feed of electron-builder's kind "generic", and accepts it only with a valid signature. */
export class SignedFeed extends Provider<UpdateInfo> {
  readonly #base: URL;
  readonly #publicKey: string;
  readonly #deadlineMs: number;

  constructor(
    { url, publicKey, deadlineMs }: UpdateFeed & { readonly deadlineMs: number },
    _updater: unknown,
    options: ProviderRuntimeOptions,
  ) {
    // A signed list has the digests of whole files, so partial downloads have no use.
    super({ ...options, isUseMultipleRangeRequest: false });
    this.#base = new URL(url.endsWith('/') ? url : `${url}/`);
    this.#publicKey = publicKey;
    this.#deadlineMs = deadlineMs;
  }

  /** Errors: throws when the feed cannot be read, or is not signed by the key. */
  async getLatestVersion(): Promise<UpdateInfo> {
    const url = new URL(feedFile, this.#base);
    const [list, signature] = await this.#readAll([url, new URL(signatureFile, this.#base)]);
    if (list == null || signature == null || !isSignedBy(this.#publicKey, list, signature)) {
      throw new Error(`${url.href} is not signed by the key of this program: its update is refused.`);
    }
    return parseUpdateInfo(list, feedFile, url);
  }

  /** Errors: throws when the server does not answer in time. A check that never ends would block all later ones. */
  async #readAll(urls: readonly URL[]): Promise<(string | null)[]> {
    const token = new CancellationToken();
    const timer = setTimeout(() => token.cancel(), this.#deadlineMs);
    try {
      return await Promise.all(urls.map((url) => this.httpRequest(url, null, token)));
    } catch (error) {
      if (!token.cancelled) throw error;
      throw new Error(`${this.#base.href} did not answer within ${this.#deadlineMs / 1000} s.`);
    } finally {
      clearTimeout(timer);
    }
  }

  resolveFiles(info: UpdateInfo): ReturnType<typeof resolveFiles> {
    return resolveFiles(info, this.#base);
  }
}

const readKey = (publicKey: string) =>
  createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });

function isSignedBy(publicKey: string, text: string, signature: string): boolean {
  return verify(null, Buffer.from(text), readKey(publicKey), Buffer.from(signature, 'base64'));
}

function isPublicKey(text: string): boolean {
  try {
    return readKey(text).asymmetricKeyType === 'ed25519';
  } catch {
    // The text is not a key: the result is null.
    return false;
  }
}

function isSafeFeed({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname));
}
