// Calls the handler and hands its answer to the guest. Evaluated once into the base heap; see ../README.md for the host calls.
(host, timers) => {
  const { handlerEntered, handlerDone, respond, fail } = host;
  // Held here because the function may change the globals.
  const { parse, stringify } = JSON;
  const { getPrototypeOf, keys } = Object;
  const { isArray } = Array;
  const then = Promise.prototype.then;
  const apply = Reflect.apply;
  const objectPrototype = Object.prototype;

  const kindNone = 0;
  const kindJson = 1;
  const kindText = 2;
  const kindBytes = 3;
  const codeThrew = 1;
  const codeOutOfMemory = 3;
  const codeUnsendable = 5;
  const codeBadEvent = 7;

  let handler;
  let functionName = 'function';
  let current = 0;

  class Unsendable extends TypeError {}
  Object.defineProperty(Unsendable.prototype, 'name', { value: 'TypeError' });

  function place(path) {
    return path === '' ? 'the value itself' : path;
  }

  // JSON.stringify leaves functions and symbols out without a word; here they are errors that say where they are.
  function check(value, path, above) {
    const type = typeof value;
    if (type === 'function' || type === 'symbol' || type === 'bigint') {
      throw new Unsendable(
        `The handler returned a ${type === 'bigint' ? 'BigInt' : type} at ${place(path)}; it cannot be sent as JSON.`,
      );
    }
    if (type !== 'object' || value === null) return;
    if (typeof value.toJSON === 'function') return;
    for (let frame = above; frame !== null; frame = frame.above) {
      if (frame.value === value)
        throw new Unsendable(
          `The handler returned an object that contains itself at ${place(path)}; it cannot be sent as JSON.`,
        );
    }
    const frame = { value, above };
    if (isArray(value)) {
      for (let i = 0; i < value.length; i++) check(value[i], `${path}[${i}]`, frame);
    } else {
      for (const key of keys(value)) check(value[key], path === '' ? key : `${path}.${key}`, frame);
    }
  }

  function toJson(value, path) {
    check(value, path, null);
    const text = stringify(value);
    if (text === undefined)
      throw new Unsendable(`The handler returned something at ${place(path)} that has no JSON form.`);
    return text;
  }

  function isPlain(value) {
    if (typeof value !== 'object' || value === null || isArray(value)) return false;
    const prototype = getPrototypeOf(value);
    return prototype === objectPrototype || prototype === null;
  }

  // A response is a plain object with a `body`, and nothing but `status`, `headers` and `body`. Anything else is a JSON value.
  function isResponse(value) {
    if (!isPlain(value) || !('body' in value)) return false;
    for (const key of keys(value)) if (key !== 'status' && key !== 'headers' && key !== 'body') return false;
    return true;
  }

  function headersOf(given) {
    const headers = { __proto__: null };
    if (given === undefined || given === null) return headers;
    if (typeof given !== 'object') throw new Unsendable('The response has headers that are not an object.');
    const entries = typeof given.entries === 'function' ? [...given.entries()] : Object.entries(given);
    for (const [name, value] of entries) {
      if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
        throw new Unsendable(`The response has a header ${stringify(name)} that is not a string.`);
      }
      headers[String(name).toLowerCase()] = String(value);
    }
    return headers;
  }

  function send(value) {
    let status = 200;
    let headers = { __proto__: null };
    let body = value;
    if (isResponse(value)) {
      if (value.status !== undefined) status = value.status;
      if (typeof status !== 'number' || status % 1 !== 0 || status < 100 || status > 599) {
        throw new Unsendable('The response has a status that is not a whole number from 100 to 599.');
      }
      headers = headersOf(value.headers);
      body = value.body;
    } else if (value === undefined) {
      status = 204;
    }
    const typed = 'content-type' in headers;
    if (body === undefined || (body === null && body !== value)) {
      respond(status, stringify(headers), kindNone, '', 0, 0);
    } else if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) {
      if (!typed) headers['content-type'] = 'application/octet-stream';
      const view = body instanceof ArrayBuffer ? { buffer: body, byteOffset: 0, byteLength: body.byteLength } : body;
      respond(status, stringify(headers), kindBytes, view.buffer, view.byteOffset, view.byteLength);
    } else if (typeof body === 'string' && body !== value) {
      if (!typed) headers['content-type'] = 'text/plain; charset=utf-8';
      respond(status, stringify(headers), kindText, body, 0, 0);
    } else {
      const text = toJson(body, body === value ? '' : 'body');
      if (!typed) headers['content-type'] = 'application/json';
      respond(status, stringify(headers), kindJson, text, 0, 0);
    }
  }

  function textOf(value, fallback) {
    try {
      return typeof value === 'string' ? value : String(value);
    } catch {
      return fallback;
    }
  }

  function report(error) {
    handlerDone();
    if (error instanceof Error) {
      const message = textOf(error.message, '');
      const code =
        error instanceof Unsendable
          ? codeUnsendable
          : error.name === 'InternalError' && message === 'out of memory'
            ? codeOutOfMemory
            : codeThrew;
      fail(code, textOf(error.name, 'Error'), message, textOf(error.stack, ''));
    } else {
      fail(codeThrew, 'Error', `The handler threw ${describe(error)}, which is not an Error.`, '');
    }
  }

  function describe(value) {
    if (typeof value === 'string') return stringify(value);
    if (typeof value === 'object' && value !== null) {
      try {
        return stringify(value) ?? 'an object';
      } catch {
        return 'an object';
      }
    }
    return textOf(value, typeof value);
  }

  function settle(turn, value) {
    if (turn !== current) return;
    handlerDone();
    try {
      send(value);
    } catch (error) {
      report(error);
    }
  }

  function invoke(eventJson) {
    const turn = ++current;
    let event;
    try {
      event = parse(eventJson);
    } catch (error) {
      handlerDone();
      fail(codeBadEvent, 'SyntaxError', `The event is not JSON: ${error.message}`, '');
      return;
    }
    const context = { functionName, runtime: 'ember', invocationId: String(turn) };
    handlerEntered();
    let result;
    try {
      result = handler(event, context);
    } catch (error) {
      report(error);
      return;
    }
    if (result instanceof Promise) {
      apply(then, result, [(value) => settle(turn, value), (error) => turn === current && report(error)]);
    } else if (typeof result === 'object' && result !== null && typeof result.then === 'function') {
      Promise.resolve(result).then(
        (value) => settle(turn, value),
        (error) => turn === current && report(error),
      );
    } else {
      settle(turn, result);
    }
  }

  function tick() {
    try {
      return timers.run();
    } catch (error) {
      report(error);
      return -1;
    }
  }

  function reset() {
    current++;
    timers.clear();
  }

  return {
    invoke,
    tick,
    reset,
    /** Takes the function's default export; returns what is wrong with it, or ''. */
    setHandler(value, name) {
      if (typeof value !== 'function') return typeof value;
      handler = value;
      functionName = name;
      return '';
    },
  };
};
