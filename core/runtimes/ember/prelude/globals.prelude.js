// The globals that a function finds besides the language's own.
(host, { inspect, format, formatWith }) => {
  const { print, random } = host;
  const global = globalThis;

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
  // Not frozen: core/bundle/shims/subtle.ts adds `subtle` for code that names it.
  global.crypto = {
    getRandomValues(view) {
      if (!ArrayBuffer.isView(view)) throw new TypeError('getRandomValues needs a typed array.');
      if (view instanceof DataView || /^Float/.test(view[Symbol.toStringTag]))
        throw new DOMException('getRandomValues fills typed arrays of integers.', 'TypeMismatchError');
      if (view.byteLength > 65536)
        throw new DOMException('getRandomValues fills at most 65536 bytes.', 'QuotaExceededError');
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
    get [Symbol.toStringTag]() {
      return 'Crypto';
    },
  };

  // --- performance: marks and measures, and an origin that is the guest's and not the build's ---
  let origin;
  const entries = [];
  // For core/bundle/shims/install-performance-observer.ts, which sets both.
  const hooks = { onEntry: undefined, onReset: undefined };
  Object.defineProperty(global, Symbol.for('firstlight.performance'), { value: hooks });
  const kept = (name, type) =>
    entries.filter(
      (entry) => (name === undefined || entry.name === name) && (type === undefined || entry.entryType === type),
    );
  class PerformanceEntry {
    constructor(name, entryType, startTime, duration, detail) {
      Object.assign(this, { name, entryType, startTime, duration, detail });
    }
    toJSON() {
      return { ...this };
    }
    get [Symbol.toStringTag]() {
      return this.constructor.name;
    }
  }
  const optionsOf = (given) => {
    if (given !== undefined && given !== null && typeof given !== 'object')
      throw new TypeError('Options are an object.');
    return given ?? {};
  };
  class PerformanceMark extends PerformanceEntry {
    constructor(name, given) {
      if (name === undefined) throw new TypeError('A mark needs a name.');
      const { startTime = now(), detail = null } = optionsOf(given);
      if (!(Number(startTime) >= 0)) throw new TypeError('A mark is not before the start of time.');
      super(String(name), 'mark', Number(startTime), 0, structuredClone(detail));
    }
  }
  class PerformanceMeasure extends PerformanceEntry {}
  class Performance {
    constructor() {
      throw new TypeError('Illegal constructor');
    }
    get [Symbol.toStringTag]() {
      return 'Performance';
    }
  }
  Object.assign(global, { Performance, PerformanceEntry, PerformanceMark, PerformanceMeasure });
  const timeOf = (mark) => {
    if (typeof mark === 'number') return mark;
    const found = entries.findLast((entry) => entry.name === String(mark) && entry.entryType === 'mark');
    if (found === undefined) throw new DOMException(`There is no mark '${mark}'.`, 'SyntaxError');
    return found.startTime;
  };
  const add = (entry) => {
    entries.push(entry);
    entries.sort((a, b) => a.startTime - b.startTime);
    hooks.onEntry?.(entry);
    return entry;
  };
  const drop = (type, name) => {
    for (const entry of kept(name, type)) entries.splice(entries.indexOf(entry), 1);
  };
  const now = performance.now.bind(performance);
  const members = {
    now,
    get timeOrigin() {
      origin ??= Date.now() - now();
      return origin;
    },
    mark: (name, options) => add(new PerformanceMark(name, options)),
    measure: (name, from, to) => {
      const {
        start,
        end,
        duration,
        detail = null,
      } = typeof from === 'object' && from !== null ? from : { start: from, end: to };
      const endTime =
        end !== undefined
          ? timeOf(end)
          : start !== undefined && duration !== undefined
            ? timeOf(start) + duration
            : now();
      const startTime = start !== undefined ? timeOf(start) : duration !== undefined ? endTime - duration : 0;
      return add(
        new PerformanceMeasure(String(name), 'measure', startTime, endTime - startTime, structuredClone(detail)),
      );
    },
    getEntries: () => kept(),
    getEntriesByName: (name, type) => kept(String(name), type),
    getEntriesByType: (type) => kept(undefined, type),
    clearMarks: (name) => drop('mark', name),
    clearMeasures: (name) => drop('measure', name),
    // Nothing is timed but what the function marks: there are none to clear, or to keep.
    clearResourceTimings() {},
    setResourceTimingBufferSize() {},
    toJSON: () => ({ timeOrigin: performance.timeOrigin }),
  };
  global.performance = Object.setPrototypeOf(members, Performance.prototype);

  // --- the rest ---
  const resolved = Promise.resolve();
  global.reportError = (error) => console.error('Uncaught', error);

  const writeTo = (begin, end) => (chunk, encoding, callback) => {
    print(begin + (typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk)) + end);
    const done = typeof encoding === 'function' ? encoding : callback;
    if (typeof done === 'function') resolved.then(() => done());
    return true;
  };
  const hrtime = (since) => {
    const ns = BigInt(Math.round(now() * 1e6));
    const [seconds, nanos] = [Number(ns / 1_000_000_000n), Number(ns % 1_000_000_000n)];
    if (since === undefined) return [seconds, nanos];
    const isBorrowed = nanos < since[1];
    return [seconds - since[0] - (isBorrowed ? 1 : 0), nanos - since[1] + (isBorrowed ? 1e9 : 0)];
  };
  hrtime.bigint = () => BigInt(Math.round(now() * 1e6));
  const asRoot = () => 0;
  const execPath = '/ember';
  // As stacks name the module, in the folder of `cwd`.
  const scriptPath = '/bundle.js';
  const processMembers = {
    platform: 'ember',
    arch: 'x64',
    title: 'ember',
    pid: 1,
    ppid: 0,
    version: 'ember',
    versions: Object.freeze({}),
    release: Object.freeze({ name: 'ember' }),
    execArgv: Object.freeze([]),
    execPath,
    // What a program of Node.js would end with.
    exitCode: undefined,
    stdout: Object.freeze({ write: writeTo('', ''), isTTY: false, fd: 1 }),
    // The markers of console.prelude.js.
    stderr: Object.freeze({ write: writeTo('\x1b[39;31m', '\x1b[31;39m'), isTTY: false, fd: 2 }),
    nextTick: (callback, ...args) => void resolved.then(() => callback(...args)),
    hrtime,
    uptime: () => now() / 1000,
    getuid: asRoot,
    geteuid: asRoot,
    getgid: asRoot,
    getegid: asRoot,
    getgroups: () => [0],
    umask: () => 0o22,
    features: Object.freeze({}),
    config: Object.freeze({ variables: {}, target_defaults: {} }),
    cwd: () => '/',
    emitWarning: (warning) => console.warn(warning instanceof Error ? warning : `Warning: ${warning}`),
    exit: (code = 0) => {
      throw new Error(`The function called process.exit(${code}). A function ends by returning.`);
    },
  };
  // There is no process that ends or gets signals: who listens for that hears nothing.
  for (const name of ['on', 'once', 'off', 'addListener', 'prependListener', 'removeListener', 'removeAllListeners']) {
    processMembers[name] = () => global.process;
  }
  Object.assign(processMembers, {
    emit: () => false,
    listeners: () => [],
    listenerCount: () => 0,
    setMaxListeners: () => global.process,
  });

  // For core/bundle/shims: what `node:util` has.
  Object.defineProperty(global, Symbol.for('firstlight.inspect'), { value: { inspect, format, formatWith } });
  // For core/bundle/shims/fetch.ts, which sets `poll` and `reset`: functions that the guest calls with the timers.
  const network = { call: host.fetch, poll: undefined, reset: undefined };
  Object.defineProperty(global, Symbol.for('firstlight.network'), { value: network });
  // For core/bundle/shims/assets.ts.
  Object.defineProperty(global, Symbol.for('firstlight.assets'), { value: host.assets });
  global.self = global;
  global.global = global;
  // The host can add to both when the guest starts. As in Node.js, what a function sets in `env` becomes text.
  const variables = {};
  const argv = [execPath, scriptPath];
  let isArgvRead = false;
  // While the module loads, the names that it reads are noted: their values are part of the image. `*` is all names.
  const read = new Set();
  const noting = (reflect) => (target, name) => {
    if (typeof name !== 'symbol') read.add(name ?? '*');
    return reflect(target, name);
  };
  const { get, has, ownKeys, getOwnPropertyDescriptor } = Reflect;
  const readTraps = { get, has, ownKeys, getOwnPropertyDescriptor };
  const traps = {
    set: (target, name, value) => Reflect.set(target, name, typeof name === 'symbol' ? value : String(value)),
  };
  for (const name of Object.keys(readTraps)) traps[name] = noting(readTraps[name]);
  const env = new Proxy(variables, traps);
  const process = { env, ...processMembers };
  const defineArgv = (value) =>
    Object.defineProperty(process, 'argv', { value, writable: true, enumerable: true, configurable: true });
  return {
    installEnviron: (variables, args) => {
      Object.assign(env, variables);
      argv.push(...args);
      const note = () => {
        isArgvRead = true;
        return argv;
      };
      // What a module sets itself stays as well.
      const set = (value) => {
        isArgvRead = true;
        defineArgv(value);
      };
      Object.defineProperty(process, 'argv', { get: note, set, enumerable: true, configurable: true });
      global.process = process;
    },
    /** Variables are added; arguments take the place of others, also for who has the array already. */
    takeEnviron: (given) => {
      if (!Array.isArray(given)) Object.assign(env, given);
      else if (given.every((arg) => typeof arg === 'string')) argv.splice(2, argv.length, ...given);
      else throw new TypeError('An argument is not a text.');
    },
    /** What the module read, as JSON. From then on nothing is noted, and reading costs what it did. */
    takeReads: () => {
      for (const name of Object.keys(readTraps)) delete traps[name];
      const { get } = Object.getOwnPropertyDescriptor(process, 'argv') ?? {};
      if (get !== undefined) defineArgv(argv);
      return JSON.stringify({ variables: [...read], args: isArgvRead });
    },
    network,
    /** What the module measured while it was evaluated is of another clock. */
    reset: () => {
      origin = undefined;
      entries.length = 0;
      hooks.onReset?.();
      network.reset?.();
    },
  };
};
