// structuredClone by the HTML standard.
() => {
  const global = globalThis;
  /** How an object of ours (a Blob, a MessagePort) says what its clone is. */
  const cloned = Symbol.for('firstlight.clone');
  const errorNames = ['Error', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'];
  const notCloned = [Promise, WeakMap, WeakSet, WeakRef, FinalizationRegistry];

  const refuse = (what) => {
    throw new DOMException(`${what} could not be cloned.`, 'DataCloneError');
  };

  function cloneError(from, keep, clone) {
    const name = errorNames.includes(from.name) ? from.name : 'Error';
    const made = keep(new global[name]());
    const define = (key, value) => Object.defineProperty(made, key, { value, writable: true, configurable: true });
    if (Object.hasOwn(from, 'message')) define('message', String(from.message));
    define('stack', String(from.stack ?? ''));
    if (Object.hasOwn(from, 'cause')) define('cause', clone(from.cause));
    if (from instanceof AggregateError) define('errors', clone(from.errors));
    return made;
  }

  function cloneBuffer(from) {
    if (from.resizable) {
      const to = new ArrayBuffer(from.byteLength, { maxByteLength: from.maxByteLength });
      new Uint8Array(to).set(new Uint8Array(from));
      return to;
    }
    return from.slice(0);
  }

  global.structuredClone = function structuredClone(value, options) {
    const seen = new Map();
    const transfer = [...(options?.transfer ?? [])];
    for (const item of transfer) {
      if (seen.has(item)) refuse('An object that is transferred twice');
      if (item instanceof ArrayBuffer) {
        if (item.detached) refuse('An ArrayBuffer that was transferred before');
        seen.set(item, cloneBuffer(item));
      } else if (typeof item?.[cloned] === 'function') seen.set(item, item);
      else refuse('An object that cannot be transferred');
    }
    const clone = (from) => {
      if (typeof from === 'symbol') refuse(String(from));
      if (typeof from === 'function') refuse(`${from.name || 'A function'}`);
      if (typeof from !== 'object' || from === null) return from;
      if (seen.has(from)) return seen.get(from);
      const keep = (to) => {
        seen.set(from, to);
        return to;
      };
      if (typeof from[cloned] === 'function') return keep(from[cloned]());
      if (from instanceof Date) return keep(new Date(from.getTime()));
      if (from instanceof RegExp) return keep(new RegExp(from.source, from.flags));
      if (from instanceof SharedArrayBuffer) return keep(from);
      if (from instanceof ArrayBuffer) {
        if (from.detached) refuse('An ArrayBuffer that was transferred before');
        return keep(cloneBuffer(from));
      }
      if (ArrayBuffer.isView(from)) {
        const buffer = clone(from.buffer);
        // A view that a library made of another is cloned as what it is underneath.
        const kind = from instanceof DataView ? DataView : global[from[Symbol.toStringTag]];
        return keep(new kind(buffer, from.byteOffset, from instanceof DataView ? from.byteLength : from.length));
      }
      if (from instanceof Boolean || from instanceof Number || from instanceof String || from instanceof BigInt) {
        return keep(Object(from.valueOf()));
      }
      if (from instanceof Symbol) refuse('Object(Symbol())');
      if (from instanceof Map) {
        const to = keep(new Map());
        for (const [key, item] of [...from]) to.set(clone(key), clone(item));
        return to;
      }
      if (from instanceof Set) {
        const to = keep(new Set());
        for (const item of [...from]) to.add(clone(item));
        return to;
      }
      if (from instanceof Error) return cloneError(from, keep, clone);
      if (notCloned.some((kind) => from instanceof kind)) refuse(`#<${from.constructor.name}>`);
      const to = keep(Array.isArray(from) ? new Array(from.length) : {});
      for (const key of Object.keys(from)) {
        if (Object.hasOwn(from, key)) {
          Object.defineProperty(to, key, {
            value: clone(from[key]),
            writable: true,
            enumerable: true,
            configurable: true,
          });
        }
      }
      return to;
    };
    const made = clone(value);
    for (const item of transfer) if (item instanceof ArrayBuffer) item.transfer();
    return made;
  };
};
