const util = require('util/util.js');

const { inspect, format } = globalThis[Symbol.for('firstlight.inspect')];
// Escape sequences begin with ESC or its one-byte form.
const begin = `[${String.fromCharCode(27, 155)}]`;
const ansi = new RegExp(
  `${begin}(?:\\][^${String.fromCharCode(7)}]*${String.fromCharCode(7)}|[[\\]()#;?]*(?:\\d{1,4}(?:;\\d{0,4})*)?[\\dA-PR-TZcf-nq-uy=><~])`,
  'g',
);

/** As `assert` compares, strictly. */
function isDeepStrictEqual(a, b) {
  try {
    require('assert').deepStrictEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

module.exports = {
  ...util,
  inspect,
  format,
  formatWithOptions: (_options, ...args) => format(...args),
  isDeepStrictEqual,
  stripVTControlCharacters: (text) => String(text).replace(ansi, ''),
  styleText: (_format, text) => text,
  toUSVString: (text) => String(text).toWellFormed(),
  TextEncoder,
  TextDecoder,
  isArray: Array.isArray,
  types: {
    ...util.types,
    isArrayBuffer: (value) => value instanceof ArrayBuffer,
    isDate: (value) => value instanceof Date,
    isMap: (value) => value instanceof Map,
    isNativeError: (value) => value instanceof Error,
    isPromise: (value) => value instanceof Promise,
    isProxy: () => false,
    isRegExp: (value) => value instanceof RegExp,
    isSet: (value) => value instanceof Set,
  },
};
