// What the guest calls around the handler: with the event, with what the handler settled to, with what it threw. On a bare engine evaluated once into
// the base heap; on Node.js loaded with the function. The way of a plain answer uses few kinds of operations: an emulated guest pays for each the first time it meets one.
(host, timers, globals) => {
  // `respondPlain` sends a body of plain data as JSON, and returns true; it is missing where the engine's own JSON is as quick.
  const { respond, respondPlain, fail } = host;
  // Held here because the function may change the globals.
  const { stringify } = JSON;
  const { getPrototypeOf, keys } = Object;
  const { isArray } = Array;
  const objectPrototype = Object.prototype;
  // How core/bundle/shims/http.ts says that an object is a Response.
  const sendable = Symbol.for('firstlight.response');

  const kindNone = 0;
  const kindJson = 1;
  const kindText = 2;
  const kindBytes = 3;
  const codeThrew = 1;
  const codeOutOfMemory = 3;
  const codeUnsendable = 5;

  let handler;
  let functionName = 'function';
  let runtime = '';
  let turn = 0;
  // Made between invocations, while nobody waits.
  let nextContext;
  let toldOfLambda = false;

  class Unsendable extends TypeError {}
  Object.defineProperty(Unsendable.prototype, 'name', { value: '' });

  // JSON.stringify leaves functions and symbols out without a word; here they are errors that say where they are.
  function check(value, type, path, above) {
    if (type === 'function' || type === 'symbol' || type === 'bigint') {
      const what = type === 'bigint' ? 'BigInt' : type;
      throw new Unsendable(`The handler returned a ${what} at ${place(path)}; it cannot be sent as JSON.`);
    }
    if (type !== 'object' || value === null || value.toJSON !== undefined) return;
    for (let frame = above; frame !== null; frame = frame.above) {
      if (frame.value === value) {
        throw new Unsendable(
          `The handler returned an object that contains itself at ${place(path)}; it cannot be sent as JSON.`,
        );
      }
    }
    const names = keys(value);
    let frame = null;
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      const item = value[name];
      const kind = typeof item;
      // Only what needs a closer look costs a call.
      if (kind === 'string' || kind === 'number' || kind === 'boolean') continue;
      frame ??= { value, above };
      check(item, kind, { above: path, array: isArray(value), name }, frame);
    }
  }

  function place(path) {
    let text = '';
    for (let at = path; at !== null; at = at.above) {
      const step = at.array ? `[${at.name}]` : at.name;
      text = text === '' || text.startsWith('[') ? step + text : `${step}.${text}`;
    }
    return text === '' ? 'the top level' : text;
  }

  function toJson(value, path) {
    check(value, typeof value, path, null);
    const text = stringify(value);
    if (text === undefined)
      throw new Unsendable(`The handler returned something at ${place(path)} that has no JSON form.`);
    return text;
  }

  // A response is a plain object with a `body`, and nothing but `status`, `headers` and `body`. Anything else is a JSON value.
  function isResponse(value) {
    if (isArray(value)) return false;
    const prototype = getPrototypeOf(value);
    if (prototype !== objectPrototype && prototype !== null) return false;
    const names = keys(value);
    for (let i = 0; i < names.length; i++) {
      const key = names[i];
      if (key !== 'status' && key !== 'headers' && key !== 'body') return false;
    }
    return true;
  }

  /** The headers, with a type where none is given; their JSON text where there are no others. */
  function headersFor(given, type) {
    if (given === undefined || given === null) return type === '' ? '{}' : `{"content-type":"${type}"}`;
    const headers = headersOf(given);
    if (type !== '' && !('content-type' in headers)) headers['content-type'] = type;
    return headers;
  }
  const textOfHeaders = (headers) => (typeof headers === 'string' ? headers : stringify(headers));

  // Several cookies are one text, with a line feed between them: a header has one value everywhere on its way.
  function setHeader(headers, name, value) {
    const key = String(name).toLowerCase();
    const isCookie = key === 'set-cookie';
    if (isCookie && isArray(value)) {
      for (let i = 0; i < value.length; i++) setHeader(headers, name, value[i]);
      return;
    }
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      throw new Unsendable(`The response has a header ${stringify(name)} that is not a string.`);
    }
    const text = String(value);
    if (isCookie && text.includes('\n')) throw new Unsendable('The response has a cookie with a line feed.');
    headers[key] = isCookie && key in headers ? `${headers[key]}\n${text}` : text;
  }

  function headersOf(given) {
    const headers = { __proto__: null };
    if (typeof given !== 'object') throw new Unsendable('The response has headers that are not an object.');
    if (typeof given.entries === 'function') {
      for (const [name, value] of given.entries()) setHeader(headers, name, value);
    } else {
      const names = keys(given);
      for (let i = 0; i < names.length; i++) setHeader(headers, names[i], given[names[i]]);
    }
    return headers;
  }

  function sendResponse({ status = 200, headers: given, body }) {
    if (typeof status !== 'number' || status % 1 !== 0 || status < 200 || status > 599) {
      throw new Unsendable('The response has a status that is not a whole number from 200 to 599.');
    }
    if (body === undefined || body === null) {
      respond(status, textOfHeaders(headersFor(given, '')), kindNone, '', 0, 0);
    } else if (typeof body === 'string') {
      const headers = textOfHeaders(headersFor(given, 'text/plain; charset=utf-8'));
      respond(status, headers, kindText, body, 0, 0);
    } else if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) {
      const view = body instanceof ArrayBuffer ? { buffer: body, byteOffset: 0, byteLength: body.byteLength } : body;
      const headers = textOfHeaders(headersFor(given, 'application/octet-stream'));
      respond(status, headers, kindBytes, view.buffer, view.byteOffset, view.byteLength);
    } else {
      const headers = headersFor(given, 'application/json');
      if (respondPlain?.(status, headers, body)) return;
      respond(
        status,
        textOfHeaders(headers),
        kindJson,
        toJson(body, { above: null, array: false, name: 'body' }),
        0,
        0,
      );
    }
  }

  function makeContext() {
    turn += 1;
    return { functionName, runtime, invocationId: '' + turn };
  }

  /** Calls the handler. Returns what it returned, a promise included. */
  function invoke(event) {
    const context = nextContext ?? makeContext();
    nextContext = undefined;
    return handler(event, context);
  }

  /** Returns the JSON text to answer with; or undefined, having answered by itself; or a promise of another value to finish with. */
  function finish(value) {
    if (typeof value === 'object' && value !== null) {
      if ('body' in value) {
        if (isResponse(value)) return sendResponse(value);
        if (typeof value[sendable] === 'function') {
          const plain = value[sendable]();
          // A stream is to be read first.
          return plain instanceof Promise ? plain : sendResponse(plain);
        }
      }
      if (typeof value.then === 'function') return Promise.resolve(value);
      if ('statusCode' in value && 'body' in value && !toldOfLambda) {
        toldOfLambda = true;
        console.warn(
          'firstlight: an object with statusCode is sent as JSON, with status 200. Answer with status, or set "convention": "lambda" in firstlight.json.',
        );
      }
      if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return sendResponse({ body: value });
    } else if (value === undefined) {
      return respond(204, '{}', kindNone, '', 0, 0);
    }
    return toJson(value, null);
  }

  function textOf(value, fallback) {
    try {
      return typeof value === 'string' ? value : String(value);
    } catch {
      return fallback;
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

  /** The frames alone: name and message go beside them. */
  function framesOf(error) {
    const stack = textOf(error.stack, '');
    return stack.slice(Math.max(stack.search(/^ +at /m), 0));
  }

  /** Answers with what was thrown. A `suggested` code above zero is taken as it is, but out of memory only when the error is that. */
  function report(error, suggested) {
    if (suggested === codeOutOfMemory && (error === null || error?.name === 'InternalError')) {
      fail(codeOutOfMemory, '', 'The function ran out of memory.', error === null ? '' : framesOf(error));
    } else if (error instanceof Error) {
      const decided = error instanceof Unsendable ? codeUnsendable : codeThrew;
      const code = suggested === 0 || suggested === codeOutOfMemory ? decided : suggested;
      fail(code, textOf(error.name, 'Error'), textOf(error.message, ''), framesOf(error));
    } else {
      fail(codeThrew, '', `The handler threw ${describe(error)}, which is not an Error.`, '');
    }
  }

  return {
    invoke,
    finish,
    report,
    tick: timers.run,
    /** Ends what belongs to the invocation, or to the evaluation of the module. */
    reset: () => {
      timers.clear();
      globals.reset();
      nextContext ??= makeContext();
    },
    /** Takes the function's default export; returns what is wrong with it, or ''. */
    setHandler(exported, name, runtimeName) {
      // A module that tsc or Babel compiled to CommonJS has its default export as a member.
      const value = exported?.__esModule && typeof exported.default === 'function' ? exported.default : exported;
      if (typeof value !== 'function') {
        const member = ['fetch', 'handler'].find((key) => typeof value?.[key] === 'function');
        return member === undefined ? typeof value : `object with \`${member}\``;
      }
      handler = value;
      turn = 0;
      functionName = name;
      runtime = runtimeName;
      nextContext = undefined;
      return '';
    },
  };
};
