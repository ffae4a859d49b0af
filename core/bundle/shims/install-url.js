import { URL, URLSearchParams } from './url.js';

// The library is minified, and a person sees these.
Object.defineProperty(URL, 'name', { value: 'URL' });
Object.defineProperty(URLSearchParams, 'name', { value: 'URLSearchParams' });
Object.assign(globalThis, { URL, URLSearchParams });
