import { secretAlgorithms } from './secret-algorithms.ts';
import { CryptoKey, createSubtle } from './subtle.ts';

const registry = { algorithms: new Map(Object.entries(secretAlgorithms)) };
Object.defineProperty(crypto, 'subtle', { value: createSubtle(registry), enumerable: true });
Object.assign(globalThis, { CryptoKey });
