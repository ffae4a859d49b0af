const util = require('util/util.js');

const { inspect: show, formatWith } = globalThis[Symbol.for('firstlight.inspect')];
// Escape sequences begin with ESC or its one-byte form.
const begin = `[${String.fromCharCode(27, 155)}]`;
const ansi = new RegExp(
  `${begin}(?:\\][^${String.fromCharCode(7)}]*${String.fromCharCode(7)}|[[\\]()#;?]*(?:\\d{1,4}(?:;\\d{0,4})*)?[\\dA-PR-TZcf-nq-uy=><~])`,
  'g',
);

/** Less deep than the console shows. Also called as `inspect(value, showHidden, depth)`. */
function inspect(value, options, depth) {
  const given = typeof options === 'object' && options !== null ? options : depth === undefined ? {} : { depth };
  return show(value, { ...inspect.defaultOptions, ...given });
}
inspect.custom = show.custom;
inspect.defaultOptions = { depth: 2 };

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
  format: (...args) => formatWith(inspect.defaultOptions, ...args),
  formatWithOptions: (options, ...args) => formatWith({ ...inspect.defaultOptions, ...options }, ...args),
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
