// The globals that a function finds besides the language's own.
(host) => {
  const { print, random } = host;
  const global = globalThis;

  // --- console ---
  function inspect(value, depth, seen) {
    switch (typeof value) {
      case 'string':
        return depth === 0 ? value : JSON.stringify(value);
      case 'bigint':
        return `${value}n`;
      case 'function':
        return `[${value.name ? `Function: ${value.name}` : 'Function'}]`;
      case 'object':
        break;
      default:
        return Object.is(value, -0) ? '-0' : String(value);
    }
    if (value === null) return 'null';
    if (value instanceof Error)
      return value.stack
        ? `${value.name}: ${value.message}\n${value.stack.trimEnd()}`
        : `${value.name}: ${value.message}`;
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
    if (value instanceof RegExp) return String(value);
    if (value instanceof Promise) return 'Promise {}';
    if (seen.includes(value)) return '[Circular]';
    if (depth > 4) return Array.isArray(value) ? '[Array]' : '[Object]';
    const inner = [...seen, value];
    const show = (item) => inspect(item, depth + 1, inner);
    const list = (items, open, close) => {
      const shown = items.slice(0, 100);
      if (items.length > 100) shown.push(`... ${items.length - 100} more`);
      return shown.length === 0 ? open + close : `${open} ${shown.join(', ')} ${close}`;
    };
    if (Array.isArray(value))
      return list(
        value
          .slice(0, 101)
          .map(show)
          .concat(new Array(Math.max(0, value.length - 101))),
        '[',
        ']',
      );
    if (value instanceof Map)
      return `Map(${value.size}) ${list(
        [...value].map(([k, v]) => `${show(k)} => ${show(v)}`),
        '{',
        '}',
      )}`;
    if (value instanceof Set) return `Set(${value.size}) ${list([...value].map(show), '{', '}')}`;
    const name = value.constructor?.name;
    if (value instanceof ArrayBuffer) return `ArrayBuffer { byteLength: ${value.byteLength} }`;
    if (ArrayBuffer.isView(value) && !(value instanceof DataView))
      return `${name}(${value.length}) ${list(Array.from(value.subarray(0, 101)).map(String), '[', ']')}`;
    const fields = Object.keys(value).map(
      (key) => `${/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key)}: ${show(value[key])}`,
    );
    // The shims of core/bundle: what they hold is behind accessors.
    if (fields.length === 0 && name?.startsWith('URL')) return `${name} ${value}`;
    return `${name && name !== 'Object' ? `${name} ` : ''}${list(fields, '{', '}')}`;
  }

  function format(args) {
    let first = '';
    let from = 0;
    if (typeof args[0] === 'string') {
      from = 1;
      first =
        args[0].includes('%') && args.length > 1
          ? args[0].replace(/%([sdifoOjc%])/g, (match, kind) => {
              if (kind === '%') return '%';
              if (from >= args.length) return match;
              const value = args[from++];
              if (kind === 's') return typeof value === 'object' ? inspect(value, 1, []) : String(value);
              if (kind === 'd') return String(Number(value));
              if (kind === 'i') return String(Number.parseInt(value, 10));
              if (kind === 'f') return String(Number.parseFloat(value));
              if (kind === 'j') return JSON.stringify(value);
              return kind === 'c' ? '' : inspect(value, 1, []);
            })
          : args[0];
    }
    for (let i = from; i < args.length; i++)
      first += (i > 0 ? ' ' : '') + inspect(args[i], typeof args[i] === 'string' ? 0 : 1, []);
    return first;
  }

  let indent = '';
  const started = new Map();
  const counts = new Map();
  function log(...args) {
    const text = args.length === 1 && typeof args[0] === 'string' ? args[0] : format(args);
    print(`${indent === '' ? text : indent + text.replaceAll('\n', `\n${indent}`)}\n`);
  }
  global.console = {
    log,
    info: log,
    debug: log,
    warn: log,
    error: log,
    trace: (...args) => log(`Trace: ${format(args)}\n${new Error().stack.trimEnd()}`),
    dir: (value) => log(inspect(value, 1, [])),
    assert: (condition, ...args) => condition || log(`Assertion failed${args.length > 0 ? `: ${format(args)}` : ''}`),
    group: (...args) => {
      if (args.length > 0) log(...args);
      indent += '  ';
    },
    groupEnd: () => {
      indent = indent.slice(2);
    },
    time: (label = 'default') => void started.set(label, performance.now()),
    timeEnd: (label = 'default') =>
      log(`${label}: ${(performance.now() - (started.get(label) ?? performance.now())).toFixed(3)} ms`),
    count: (label = 'default') => {
      counts.set(label, (counts.get(label) ?? 0) + 1);
      log(`${label}: ${counts.get(label)}`);
    },
  };

  // --- random numbers: from the guest's generator, never from the state that was frozen with the heap ---
  const pool = new Uint32Array(128);
  let poolAt = pool.length;
  Math.random = function random53() {
    if (poolAt >= pool.length) {
      random(pool.buffer);
      poolAt = 0;
    }
    return ((pool[poolAt++] >>> 5) * 67108864 + (pool[poolAt++] >>> 6)) / 9007199254740992;
  };
  global.crypto = Object.freeze({
    getRandomValues(view) {
      if (!ArrayBuffer.isView(view)) throw new TypeError('getRandomValues needs a typed array.');
      if (view.byteLength > 65536) throw new RangeError('getRandomValues fills at most 65536 bytes.');
      const bytes = new Uint8Array(view.byteLength);
      random(bytes.buffer);
      new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(bytes);
      return view;
    },
    randomUUID() {
      const bytes = new Uint8Array(16);
      random(bytes.buffer);
      bytes[6] = (bytes[6] & 0x0f) | 0x40;
      bytes[8] = (bytes[8] & 0x3f) | 0x80;
      const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    },
  });

  // --- text ---
  global.TextEncoder = class TextEncoder {
    get encoding() {
      return 'utf-8';
    }
    encode(text = '') {
      const source = String(text).toWellFormed();
      const bytes = new Uint8Array(source.length * 3);
      let at = 0;
      for (let i = 0; i < source.length; i++) {
        let code = source.charCodeAt(i);
        if (code < 0x80) bytes[at++] = code;
        else if (code < 0x800) {
          bytes[at++] = 0xc0 | (code >> 6);
          bytes[at++] = 0x80 | (code & 63);
        } else {
          if (code >= 0xd800 && code < 0xdc00) {
            code = 0x10000 + ((code - 0xd800) << 10) + source.charCodeAt(++i) - 0xdc00;
            bytes[at++] = 0xf0 | (code >> 18);
            bytes[at++] = 0x80 | ((code >> 12) & 63);
          } else bytes[at++] = 0xe0 | (code >> 12);
          bytes[at++] = 0x80 | ((code >> 6) & 63);
          bytes[at++] = 0x80 | (code & 63);
        }
      }
      return bytes.slice(0, at);
    }
  };

  global.TextDecoder = class TextDecoder {
    #fatal;
    #keepBom;
    constructor(label = 'utf-8', { fatal = false, ignoreBOM = false } = {}) {
      if (!/^\s*(utf-?8|unicode-1-1-utf-8)\s*$/i.test(label))
        throw new RangeError(`TextDecoder here knows utf-8, not ${label}.`);
      this.#fatal = fatal;
      this.#keepBom = ignoreBOM;
    }
    get encoding() {
      return 'utf-8';
    }
    decode(input = new Uint8Array()) {
      const bytes =
        input instanceof ArrayBuffer
          ? new Uint8Array(input)
          : new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
      const parts = [];
      let units = [];
      const put = (code) => {
        if (code > 0xffff) units.push(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 1023));
        else units.push(code);
        if (units.length >= 4096) {
          parts.push(String.fromCharCode(...units));
          units = [];
        }
      };
      const bad = () => {
        if (this.#fatal) throw new TypeError('The bytes are not valid utf-8.');
        put(0xfffd);
      };
      let at = !this.#keepBom && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
      while (at < bytes.length) {
        const lead = bytes[at++];
        if (lead < 0x80) {
          put(lead);
          continue;
        }
        const need =
          lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xf0 && lead < 0xf5 ? 3 : 0;
        if (need === 0) {
          bad();
          continue;
        }
        let code = lead & (0x3f >> need);
        let low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
        let high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
        let left = need;
        while (left > 0 && at < bytes.length && bytes[at] >= low && bytes[at] <= high) {
          code = (code << 6) | (bytes[at++] & 63);
          low = 0x80;
          high = 0xbf;
          left--;
        }
        if (left > 0) bad();
        else put(code);
      }
      return parts.join('') + String.fromCharCode(...units);
    }
  };

  // --- the rest ---
  const resolved = Promise.resolve();
  global.queueMicrotask ??= (callback) => void resolved.then(callback);

  global.structuredClone = function structuredClone(value) {
    const seen = new Map();
    const clone = (from) => {
      if (typeof from === 'function' || typeof from === 'symbol')
        throw new TypeError(`A ${typeof from} cannot be cloned.`);
      if (typeof from !== 'object' || from === null) return from;
      if (seen.has(from)) return seen.get(from);
      const keep = (to) => {
        seen.set(from, to);
        return to;
      };
      if (from instanceof Date) return keep(new Date(from));
      if (from instanceof RegExp) return keep(new RegExp(from.source, from.flags));
      if (from instanceof ArrayBuffer) return keep(from.slice(0));
      if (ArrayBuffer.isView(from)) {
        const buffer = clone(from.buffer);
        return keep(
          new from.constructor(buffer, from.byteOffset, from instanceof DataView ? from.byteLength : from.length),
        );
      }
      if (from instanceof Map) {
        const to = keep(new Map());
        for (const [key, item] of from) to.set(clone(key), clone(item));
        return to;
      }
      if (from instanceof Set) {
        const to = keep(new Set());
        for (const item of from) to.add(clone(item));
        return to;
      }
      if (from instanceof Error) {
        const to = keep(new (global[from.name] ?? Error)(from.message));
        to.stack = from.stack;
        return to;
      }
      const to = keep(Array.isArray(from) ? new Array(from.length) : {});
      for (const key of Object.keys(from)) to[key] = clone(from[key]);
      return to;
    };
    return clone(value);
  };

  global.self = global;
  return (env) => {
    global.process = Object.freeze({
      env: Object.freeze({ ...env }),
      platform: 'ember',
      version: 'ember',
      versions: Object.freeze({}),
      argv: Object.freeze([]),
    });
  };
};
