/**
 * `crypto.subtle` by the Web Cryptography standard, on audited implementations in JavaScript: the part common to all
 * algorithms. The algorithms themselves register here; those of elliptic curves and of RSA lie in separate files, for
 * code that names them.
 */

export type Usage = 'encrypt' | 'decrypt' | 'sign' | 'verify' | 'deriveKey' | 'deriveBits' | 'wrapKey' | 'unwrapKey';
export type Bytes = Uint8Array<ArrayBuffer>;
export interface Jwk {
  [name: string]: unknown;
}
/** An algorithm with the caller's parameters. Shape: `name` in the standard's spelling. */
export interface Params {
  readonly name: string;
  readonly [name: string]: unknown;
}
type Given = string | { readonly name: string; readonly [name: string]: unknown };

/** The store of a key's secret: out of reach of code that has the key. */
const secrets = new WeakMap<CryptoKey, unknown>();
const made = Symbol('CryptoKey');

export class CryptoKey {
  readonly type: 'secret' | 'private' | 'public';
  readonly extractable: boolean;
  readonly algorithm: Params;
  readonly usages: readonly Usage[];
  constructor(by: symbol, type: CryptoKey['type'], extractable: boolean, algorithm: Params, usages: readonly Usage[]) {
    if (by !== made) throw new TypeError('Illegal constructor');
    this.type = type;
    this.extractable = extractable;
    this.algorithm = algorithm;
    this.usages = usages;
  }
  [Symbol.for('firstlight.clone')](): CryptoKey {
    return this;
  }
  get [Symbol.toStringTag](): string {
    return 'CryptoKey';
  }
}

export function makeKey(
  secret: unknown,
  type: CryptoKey['type'],
  extractable: boolean,
  algorithm: Params,
  usages: readonly Usage[],
): CryptoKey {
  if (usages.length === 0 && type !== 'public') throw new DOMException('A key needs a usage.', 'SyntaxError');
  const key = new CryptoKey(made, type, extractable, algorithm, [...new Set(usages)]);
  secrets.set(key, secret);
  return key;
}
export const secretOf = <Secret>(key: CryptoKey): Secret => secrets.get(key) as Secret;

/** The operations of an algorithm. Every member may be missing: then the algorithm does not support it. */
export interface Algorithm {
  /** What its keys are for, by their type. */
  readonly usages?: Partial<Record<CryptoKey['type'], readonly Usage[]>>;
  /** Its keys are for one digest, in the parameter `hash`. */
  readonly hasHash?: true;
  readonly digest?: (data: Bytes) => Uint8Array;
  readonly sign?: (params: Params, key: CryptoKey, data: Bytes) => Uint8Array;
  readonly verify?: (params: Params, key: CryptoKey, signature: Bytes, data: Bytes) => boolean;
  readonly encrypt?: (params: Params, key: CryptoKey, data: Bytes) => Uint8Array;
  readonly decrypt?: (params: Params, key: CryptoKey, data: Bytes) => Uint8Array;
  readonly generateKey?: (
    params: Params,
    extractable: boolean,
    usages: readonly Usage[],
  ) => CryptoKey | { publicKey: CryptoKey; privateKey: CryptoKey };
  readonly importKey?: (
    format: string,
    data: Bytes | Jwk,
    params: Params,
    extractable: boolean,
    usages: readonly Usage[],
  ) => CryptoKey;
  readonly exportKey?: (format: string, key: CryptoKey) => Uint8Array | Jwk;
  /** Shape: `bits` is null for all there are. */
  readonly deriveBits?: (params: Params, key: CryptoKey, bits: number | null) => Uint8Array;
  /** The length of a key that is derived for this algorithm. Units: bits; null: any length. */
  readonly keyBits?: (params: Params) => number | null;
}

/** Shared by the scripts that register algorithms. */
export interface Registry {
  readonly algorithms: Map<string, Algorithm>;
}

export function bytesOf(data: unknown): Bytes {
  if (data instanceof ArrayBuffer) return new Uint8Array(data.slice(0));
  if (ArrayBuffer.isView(data))
    return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength).slice();
  throw new TypeError('The data is neither an ArrayBuffer nor a view of one.');
}
const bufferOf = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

export const toBase64Url = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '');
export function fromBase64Url(text: unknown): Bytes {
  if (typeof text !== 'string') throw new DOMException('The JWK lacks a part of its key.', 'DataError');
  return Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0));
}

/** The name of a digest as the standard spells it. */
export function hashNameOf(hash: unknown): string {
  const name = typeof hash === 'string' ? hash : String((hash as { name?: unknown } | undefined)?.name);
  return name.toUpperCase();
}

const refuse = (operation: string, name: string, registry: Registry): never => {
  throw new DOMException(
    `crypto.subtle.${operation} does not know the algorithm ${name} here; there are ${[...registry.algorithms.keys()].join(', ')}.`,
    'NotSupportedError',
  );
};

/** What a JWK says of its use is to allow what it is imported for. Errors: TypeError; DOMException DataError. */
function jwkOf(data: unknown, extractable: boolean, usages: readonly Usage[]): Jwk {
  if (typeof data !== 'object' || data === null || data instanceof ArrayBuffer || ArrayBuffer.isView(data))
    throw new TypeError('A key in the format jwk is an object.');
  const { ext, key_ops: operations, use } = data as Jwk;
  if (ext === false && extractable) throw new DOMException('The JWK is not extractable.', 'DataError');
  const isFor =
    use === undefined || usages.every((usage) => (use === 'sig') === (usage === 'sign' || usage === 'verify'));
  if (!isFor) throw new DOMException(`The JWK is for the use ${use}.`, 'DataError');
  if (operations === undefined) return data as Jwk;
  const isList = Array.isArray(operations) && new Set(operations).size === operations.length;
  if (!isList || !usages.every((usage) => operations.includes(usage)))
    throw new DOMException('The JWK does not allow these usages in key_ops.', 'DataError');
  return data as Jwk;
}

/** Errors: DOMException SyntaxError. */
function checkUsages(name: string, usages: readonly Usage[], allowed: readonly Usage[]): void {
  const wrong = usages.find((usage) => !allowed.includes(usage));
  if (wrong !== undefined) throw new DOMException(`A key for ${name} may not ${wrong}.`, 'SyntaxError');
}

/** Runs an operation whose implementation has errors of its own. Errors: DOMException OperationError, and those that the operation names itself. */
export function attempt<Result>(name: string, run: () => Result): Result {
  try {
    return run();
  } catch (thrown) {
    if (thrown instanceof DOMException) throw thrown;
    throw new DOMException(`${name} failed: ${thrown instanceof Error ? thrown.message : thrown}`, 'OperationError');
  }
}

/** A SubtleCrypto over the registered algorithms. Every call returns a promise, as the standard requires. */
export function createSubtle(registry: Registry): object {
  function find<Operation extends Exclude<keyof Algorithm, 'usages' | 'hasHash'>>(
    operation: Operation,
    given: Given,
  ): [NonNullable<Algorithm[Operation]>, Params, NonNullable<Algorithm['usages']>] {
    const asked: Params = typeof given === 'string' ? { name: given } : given;
    const wanted = String(asked?.name).toUpperCase();
    for (const [name, algorithm] of registry.algorithms) {
      if (name.toUpperCase() !== wanted) continue;
      const run = algorithm[operation];
      if (run === undefined) return refuse(operation, name, registry);
      // The algorithm comes first, then its usages, then the key.
      const makesKey = operation === 'generateKey' || operation === 'importKey';
      const hash = algorithm.hasHash && makesKey ? hashNameOf(asked.hash) : undefined;
      if (hash !== undefined && registry.algorithms.get(hash)?.digest === undefined)
        return refuse(operation, `${name} with ${hash}`, registry);
      return [run as NonNullable<Algorithm[Operation]>, { ...asked, name }, algorithm.usages ?? {}];
    }
    return refuse(operation, String(asked?.name), registry);
  }
  function check(key: CryptoKey, params: Params, usage: Usage): void {
    if (!(key instanceof CryptoKey)) throw new TypeError('The key is not a CryptoKey.');
    if (key.algorithm.name !== params.name)
      throw new DOMException(`The key is for ${key.algorithm.name}.`, 'InvalidAccessError');
    if (!key.usages.includes(usage)) throw new DOMException(`The key may not ${usage}.`, 'InvalidAccessError');
  }
  const imported = (format: string, data: unknown, params: Given, extractable: boolean, usages: readonly Usage[]) => {
    const [run, asked, allowed] = find('importKey', params);
    const key = run(
      format,
      format === 'jwk' ? jwkOf(data, extractable, usages) : bytesOf(data),
      asked,
      extractable,
      usages,
    );
    checkUsages(asked.name, usages, allowed[key.type] ?? []);
    return key;
  };
  const exported = (format: string, key: CryptoKey) => {
    const [run] = find('exportKey', key.algorithm);
    if (!key.extractable) throw new DOMException('The key is not extractable.', 'InvalidAccessError');
    return run(format, key);
  };
  const crypt = (operation: 'encrypt' | 'decrypt', usage: Usage, given: Given, key: CryptoKey, data: unknown) => {
    const [run, params] = find(operation, given);
    check(key, params, usage);
    return run(params, key, bytesOf(data));
  };
  const derive = (given: Given, key: CryptoKey, bits: number | null, usage: Usage) => {
    const [run, params] = find('deriveBits', given);
    check(key, params, usage);
    return run(params, key, bits);
  };
  return {
    digest: async (given: Given, data: unknown) => {
      const [run] = find('digest', given);
      return bufferOf(run(bytesOf(data)));
    },
    sign: async (given: Given, key: CryptoKey, data: unknown) => {
      const [run, params] = find('sign', given);
      check(key, params, 'sign');
      return bufferOf(run(params, key, bytesOf(data)));
    },
    verify: async (given: Given, key: CryptoKey, signature: unknown, data: unknown) => {
      const [run, params] = find('verify', given);
      check(key, params, 'verify');
      return run(params, key, bytesOf(signature), bytesOf(data));
    },
    encrypt: async (given: Given, key: CryptoKey, data: unknown) =>
      bufferOf(crypt('encrypt', 'encrypt', given, key, data)),
    decrypt: async (given: Given, key: CryptoKey, data: unknown) =>
      bufferOf(crypt('decrypt', 'decrypt', given, key, data)),
    generateKey: async (given: Given, extractable: boolean, usages: readonly Usage[]) => {
      const [run, params, allowed] = find('generateKey', given);
      checkUsages(params.name, usages, Object.values(allowed).flat());
      return run(params, extractable, usages);
    },
    importKey: async (format: string, data: unknown, given: Given, extractable: boolean, usages: readonly Usage[]) =>
      imported(format, data, given, extractable, usages),
    exportKey: async (format: string, key: CryptoKey) => {
      const made = exported(format, key);
      return made instanceof Uint8Array ? bufferOf(made) : made;
    },
    deriveBits: async (given: Given, key: CryptoKey, bits: number | null = null) =>
      bufferOf(derive(given, key, bits, 'deriveBits')),
    deriveKey: async (given: Given, key: CryptoKey, target: Given, extractable: boolean, usages: readonly Usage[]) => {
      const [keyBits, params] = find('keyBits', target);
      return imported('raw', derive(given, key, keyBits(params), 'deriveKey'), target, extractable, usages);
    },
    wrapKey: async (format: string, key: CryptoKey, wrapping: CryptoKey, given: Given) => {
      const made = exported(format, key);
      const data = made instanceof Uint8Array ? made : new TextEncoder().encode(JSON.stringify(made));
      return bufferOf(crypt('encrypt', 'wrapKey', given, wrapping, data));
    },
    unwrapKey: async (
      format: string,
      wrapped: unknown,
      wrapping: CryptoKey,
      given: Given,
      target: Given,
      extractable: boolean,
      usages: readonly Usage[],
    ) => {
      const data = crypt('decrypt', 'unwrapKey', given, wrapping, wrapped);
      const read = format === 'jwk' ? JSON.parse(new TextDecoder().decode(data)) : data;
      return imported(format, read, target, extractable, usages);
    },
    get [Symbol.toStringTag]() {
      return 'SubtleCrypto';
    },
  };
}
