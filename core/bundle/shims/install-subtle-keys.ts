// As install-subtle.ts, with the algorithms that have public keys.
import { curveAlgorithms } from './curve-algorithms.ts';
import { rsaAlgorithms } from './rsa-algorithms.ts';
import { secretAlgorithms } from './secret-algorithms.ts';
import { CryptoKey, createSubtle } from './subtle.ts';

const registry = { algorithms: new Map(Object.entries({ ...secretAlgorithms, ...rsaAlgorithms, ...curveAlgorithms })) };
Object.defineProperty(crypto, 'subtle', { value: createSubtle(registry), enumerable: true });
Object.assign(globalThis, { CryptoKey });
