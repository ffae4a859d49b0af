import { URL, URLSearchParams } from './url.js';

// The library is minified, and a person sees these.
Object.defineProperty(URL, 'name', { value: 'URL' });
Object.defineProperty(URLSearchParams, 'name', { value: 'URLSearchParams' });
for (const kind of [URL, URLSearchParams]) {
  Object.defineProperty(kind.prototype, Symbol.for('nodejs.util.inspect.custom'), {
    value() {
      return `${kind.name} ${this}`;
    },
  });
}
Object.assign(globalThis, { URL, URLSearchParams });
