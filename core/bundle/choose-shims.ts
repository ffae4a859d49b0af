/**
 * Chooses the scripts that a bundle needs before it: by the globals that it names and the way it uses their results.
 */
import { fetchShims, shimOrder, shimsOf } from './globals.ts';
import type { GlobalUse } from './mark-globals.ts';

/** Does something with a stream that it did not make. */
const usesStreams = /\.(?:getReader|getWriter|pipeThrough|pipeTo|tee|stream)\(/;
const usesForms = /\.(?:formData|blob)\(/;
const publicKeys = /\b(?:ECDSA|ECDH|Ed25519|X25519|EdDSA|RSASSA-PKCS1-v1_5|RSA-PSS|RSA-OAEP)\b/;

/** Reads it as a member, which no mark finds. */
const fetchMember = /\b(?:globalThis|self)\??\.fetch\b/;

/** The scripts, in order. `modules` are Node's modules that are in the bundle. `hasFetch`: the function may open connections. */
export function chooseShims(
  code: string,
  uses: readonly GlobalUse[],
  modules: ReadonlySet<string>,
  hasFetch: boolean,
): string[] {
  const names = new Set(uses.map(({ name }) => name));
  const files = new Set([...names].flatMap((name) => shimsOf.get(name) ?? []));
  if (hasFetch && (names.has('fetch') || fetchMember.test(code))) for (const file of fetchShims) files.add(file);
  const has = (...some: string[]) => some.some((name) => names.has(name));
  if ((has('Request', 'Response', 'Blob', 'File') || files.has('fetch.js')) && usesStreams.test(code))
    files.add('streams.js');
  if ((has('Request', 'Response') || files.has('fetch.js')) && usesForms.test(code)) files.add('blob.js');
  if (has('Request') && /\.signal\b/.test(code)) files.add('dom-events.js');
  if (modules.has('stream') && /\.(?:to|from)Web\(/.test(code)) files.add('streams.js');
  if (modules.has('crypto') && /\bcreate(?:C|Dec)ipheriv\b/.test(code)) files.add('ciphers.js');
  if (modules.has('buffer')) files.add('buffer.js');
  const asksSubtle = uses.some(
    ({ name, member }) => name === 'crypto' && !/^(?:getRandomValues|randomUUID)$/.test(member),
  );
  if (asksSubtle && /\bsubtle\b/.test(code)) files.add('subtle.js');
  // The second includes everything in the first.
  if (files.has('subtle.js') && publicKeys.test(code)) {
    files.delete('subtle.js');
    files.add('subtle-keys.js');
  }
  return shimOrder.filter((file) => files.has(file));
}
