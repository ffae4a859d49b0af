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

  it('refuses what Node refuses, by the same names of errors', async () => {
    const body = `
      const s = crypto.subtle; const out = {}; const raw = new Uint8Array(32).fill(7);
      const told = async (name, make) => { out[name] = await Promise.resolve().then(make).then((k) => k.type ?? 'fine', (e) => e.name); };
      const pair = async (params, usages) => await s.generateKey(params, false, usages);
      const P = (namedCurve, name = 'ECDH') => ({ name, namedCurve });
      const b64 = (b) => Buffer.from(b).toString('base64url');
      await told('usage of another algorithm', () => s.generateKey({ name: 'AES-GCM', length: 128 }, true, ['encrypt', 'sign']));
      await told('no usage', () => s.generateKey({ name: 'HMAC', hash: 'SHA-256' }, true, []));
      await told('no private usage', () => s.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['verify']));
      await told('bits', () => s.generateKey({ name: 'AES-GCM', length: 100 }, true, ['encrypt']));
      await told('rsa', () => s.generateKey({ name: 'RSA-PSS', hash: 'SHA-1', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) }, true, ['encrypt']));
      await told('no usage, no bits', () => s.generateKey({ name: 'AES-GCM', length: 100 }, true, []));
      await told('usage, no curve', () => s.generateKey({ name: 'ECDSA', namedCurve: 'P-1' }, true, []));
      await told('digest before usage', () => s.generateKey({ name: 'HMAC', hash: 'MD5' }, true, ['encrypt']));
      await told('import', () => s.importKey('raw', raw, 'AES-CBC', true, ['encrypt', 'verify']));
      await told('length', () => s.importKey('raw', raw.slice(1), 'Ed25519', true, ['verify']));
      await told('ops', () => s.importKey('jwk', { kty: 'oct', k: b64(raw), key_ops: ['verify'] }, { name: 'HMAC', hash: 'SHA-256' }, true, ['sign']));
      await told('use', () => s.importKey('jwk', { kty: 'oct', k: b64(raw), use: 'enc' }, { name: 'HMAC', hash: 'SHA-256' }, true, ['sign']));
      await told('ext', () => s.importKey('jwk', { kty: 'oct', k: b64(raw), ext: false }, { name: 'HMAC', hash: 'SHA-256' }, true, ['sign']));
      const a = await pair(P('P-256'), ['deriveBits']); const b = await pair(P('P-384'), ['deriveBits']); const c = await pair(P('P-256', 'ECDSA'), ['sign', 'verify']);
      const derive = (other, key = a.privateKey) => s.deriveBits({ name: 'ECDH', public: other }, key, 128);
      await told('curve', () => derive(b.publicKey)); await told('private', () => derive(a.privateKey)); await told('kind', () => derive(c.publicKey));
      await told('missing', () => derive(undefined)); await told('right', () => derive(a.publicKey));
      const x = await pair({ name: 'X25519' }, ['deriveBits']);
      const zero = await s.importKey('raw', new Uint8Array(32), 'X25519', false, []);
      await told('zero', () => s.deriveBits({ name: 'X25519', public: zero }, x.privateKey, 128));
      await told('hash', () => s.verify({ name: 'ECDSA', hash: 'SHA-9' }, c.publicKey, raw, raw));
      const aes = await s.importKey('raw', raw, 'AES-CBC', true, ['encrypt']);
      await told('iv', () => s.encrypt({ name: 'AES-CBC', iv: raw.slice(0, 8) }, aes, raw));
      const one = await s.generateKey({ name: 'Ed25519' }, true, ['sign']); const two = await s.generateKey({ name: 'Ed25519' }, true, ['sign']);
      const mixed = { ...(await s.exportKey('jwk', one.privateKey)), x: (await s.exportKey('jwk', two.privateKey)).x };
      await told('two halves', () => s.importKey('jwk', mixed, 'Ed25519', true, ['sign']));
      const half = await s.importKey('raw', await s.exportKey('raw', one.publicKey), 'Ed25519', false, ['verify']);
      out.extractable = [half.extractable, one.publicKey.extractable, one.privateKey.extractable, a.privateKey.extractable, a.publicKey.extractable];
      return out;`;
    expect(await answerOf(body)).toEqual(await inNode(body));
  });

  it('cuts the tags of AES-GCM and counts in AES-CTR as Node does', async () => {
    const body = `
      const s = crypto.subtle; const raw = new Uint8Array(16).fill(3); const text = Uint8Array.from({ length: 100 }, (_, i) => i); const out = [];
      const hex = (b) => [...new Uint8Array(b)].map((x) => x.toString(16).padStart(2, '0')).join('');
      const gcm = await s.importKey('raw', raw, 'AES-GCM', true, ['encrypt', 'decrypt']); const iv = raw.slice(4);
      for (const tagLength of [32, 64, 96, 104, 112, 120, 128, 40]) {
        const how = { name: 'AES-GCM', iv, tagLength, additionalData: raw };
        const sealed = await s.encrypt(how, gcm, text).catch((e) => e.name);
        if (typeof sealed === 'string') { out.push(sealed); continue; }
        const wrong = new Uint8Array(sealed); wrong[wrong.length - 1] ^= 1; const changed = new Uint8Array(sealed); changed[0] ^= 1;
        const opened = (data) => s.decrypt(how, gcm, data).then(hex, (e) => e.name);
        out.push(hex(sealed), await opened(sealed), await opened(wrong), await opened(changed), await opened(raw.slice(0, 3)));
      }
      const ctr = await s.importKey('raw', raw, 'AES-CTR', true, ['encrypt', 'decrypt']);
      for (const length of [1, 2, 3, 8, 64, 128, 0, 129]) {
        const how = { name: 'AES-CTR', counter: new Uint8Array(16).fill(255), length };
        const sealed = await s.encrypt(how, ctr, text).catch((e) => e.name);
        out.push(typeof sealed === 'string' ? sealed : hex(sealed) + ' ' + hex(await s.decrypt(how, ctr, sealed)));
      }
      return out;`;
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
