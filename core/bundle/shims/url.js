// `URL` and `URLSearchParams` by the WHATWG standard, for functions that name them: QuickJS has none.
export { default as URL } from 'core-js-pure/stable/url/index.js';
export { default as URLSearchParams } from 'core-js-pure/stable/url-search-params/index.js';
