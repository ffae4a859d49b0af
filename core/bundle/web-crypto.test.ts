import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFunction } from '../runtimes/ember/testing/open-function.ts';
import { answerIn, inNode } from './testing/answer-in.ts';
import { openWorkshop, type Workshop } from './testing/bundle-and-open.ts';

let shop: Workshop;
beforeEach(async () => {
  shop = await openWorkshop();
});
afterEach(() => shop.close());

const answerOf = (body: string, event?: unknown) => answerIn(shop, body, event);

describe('crypto.subtle', () => {
  it('imports a secret JWK only for the algorithm that it names, as Node does', async () => {
    const body = `
      const k = 'BwcHBwcHBwcHBwcHBwcHBw';
      const read = async (alg, params, usage) => await crypto.subtle.importKey('jwk', { kty: 'oct', k, ...(alg && { alg }) }, params, true, [usage])
        .then((key) => crypto.subtle.exportKey('jwk', key)).then((jwk) => jwk.alg, (e) => e.name);
      const hmac = { name: 'HMAC', hash: 'SHA-256' };
      return [await read('HS256', hmac, 'sign'), await read('', hmac, 'sign'), await read('HS512', hmac, 'sign'),
        await read('A128GCM', { name: 'AES-GCM' }, 'encrypt'), await read('A128CBC', { name: 'AES-GCM' }, 'encrypt')];`;
    expect(await answerOf(body)).toEqual(await inNode(body));
    expect(await answerOf(body)).toEqual(['HS256', 'HS256', 'DataError', 'A128GCM', 'DataError']);
  });

  it('digests, signs and encrypts as Node does', async () => {
    const body = `
      const hex = (b) => [...new Uint8Array(b)].map((x) => x.toString(16).padStart(2, '0')).join('');
      const s = crypto.subtle; const text = new TextEncoder().encode('abc'); const raw = new Uint8Array(32).fill(7);
      const hmac = await s.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, true, ['sign', 'verify']);
      const mac = await s.sign('HMAC', hmac, text);
      const aes = await s.importKey('raw', raw, 'AES-GCM', true, ['encrypt', 'decrypt']);
      const iv = new Uint8Array(12).fill(1); const additionalData = new Uint8Array([9]);
      const sealed = await s.encrypt({ name: 'AES-GCM', iv, additionalData }, aes, text);
      const opened = await s.decrypt({ name: 'AES-GCM', iv, additionalData }, aes, sealed);
      const broken = await s.decrypt({ name: 'AES-GCM', iv }, aes, sealed).catch((e) => e.name);
      const base = await s.importKey('raw', text, 'PBKDF2', false, ['deriveBits', 'deriveKey']);
      const bits = await s.deriveBits({ name: 'PBKDF2', hash: 'SHA-512', salt: raw, iterations: 10 }, base, 256);
      const derived = await s.deriveKey({ name: 'PBKDF2', hash: 'SHA-1', salt: raw, iterations: 3 }, base, { name: 'AES-CBC', length: 128 }, true, ['encrypt']);
      const cbc = await s.encrypt({ name: 'AES-CBC', iv: new Uint8Array(16) }, derived, text);
      return [hex(await s.digest('SHA-1', text)), hex(await s.digest('SHA-384', text)), hex(mac), await s.verify('HMAC', hmac, mac, text),
        hex(sealed), hex(opened), broken, hex(bits), hex(cbc), (await s.exportKey('jwk', hmac)).k, hmac.algorithm];`;
    expect(await answerOf(body)).toEqual(await inNode(body));
  });

  it('has keys of two parts, as JWT libraries want them', async () => {
    const made = await inNode(`
      const out = {}; const s = crypto.subtle; const data = new TextEncoder().encode('signed');
      const b64 = (b) => Buffer.from(b).toString('base64');
      for (const [name, params, how] of [
        ['ES256', { name: 'ECDSA', namedCurve: 'P-256' }, { name: 'ECDSA', hash: 'SHA-256' }],
        ['ES384', { name: 'ECDSA', namedCurve: 'P-384' }, { name: 'ECDSA', hash: 'SHA-384' }],
        ['RS256', { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) }, 'RSASSA-PKCS1-v1_5'],
        ['PS256', { name: 'RSA-PSS', hash: 'SHA-256', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) }, { name: 'RSA-PSS', saltLength: 32 }],
        ['EdDSA', { name: 'Ed25519' }, 'Ed25519'],
      ]) {
        const { publicKey, privateKey } = await s.generateKey(params, true, ['sign', 'verify']);
        const { modulusLength, publicExponent, ...imported } = params;
        out[name] = { params: imported, how, spki: b64(await s.exportKey('spki', publicKey)), pkcs8: b64(await s.exportKey('pkcs8', privateKey)),
          jwk: await s.exportKey('jwk', publicKey), privateJwk: await s.exportKey('jwk', privateKey), signature: b64(await s.sign(how, privateKey, data)) };
      }
      return out;`);
    const body = `
      const s = crypto.subtle; const data = new TextEncoder().encode('signed'); const out = {};
      const bytes = (t) => Uint8Array.from(atob(t), (c) => c.charCodeAt(0)); const b64 = (b) => btoa(String.fromCharCode(...new Uint8Array(b)));
      for (const [name, { params, how, spki, pkcs8, jwk, privateJwk, signature }] of Object.entries(event)) {
        const a = await s.importKey('spki', bytes(spki), params, true, ['verify']);
        const b = await s.importKey('jwk', jwk, params, true, ['verify']);
        const c = await s.importKey('pkcs8', bytes(pkcs8), params, true, ['sign']);
        const d = await s.importKey('jwk', privateJwk, params, true, ['sign']);
        const own = await s.sign(how, c, data); const other = await s.sign(how, d, data);
        const no = bytes(signature); no[5] ^= 1;
        out[name] = [await s.verify(how, a, bytes(signature), data), await s.verify(how, b, own, data), await s.verify(how, a, other, data), await s.verify(how, a, no, data),
          b64(await s.exportKey('spki', b)) === spki, b64(await s.exportKey('pkcs8', c)) === pkcs8, c.type];
      }
      return out; /* ECDSA RSASSA-PKCS1-v1_5 */`;
    const source = `export default async (event: any) => { ${body} }; export const names = 'ECDSA RSA-PSS Ed25519';`;
    const { call } = await openFunction((await shop.bundle(source)).code);
    const right = [true, true, true, false, true, true, 'private'];
    expect((await call(made)).body).toEqual(
      Object.fromEntries(Object.keys(made as object).map((name) => [name, right])),
    );
  });

  it('costs nothing to code that wants random numbers only', async () => {
    const { code } = await shop.bundle('export default () => [crypto.randomUUID(), "subtle"];');
    expect(code.length).toBeLessThan(300);
  });
});
