import { Blob, File, FormData, readForm, writeForm } from './blob.ts';

Object.assign(globalThis, { Blob, File, FormData });
/** Used for bodies: see http.ts. */
Object.defineProperty(globalThis, Symbol.for('firstlight.forms'), { value: { readForm, writeForm } });
